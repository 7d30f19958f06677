// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func TestLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := New(Options{Logger: log.NewLogfmtLogger(log.NewSyncWriter(&b)), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot(record("d", "ana", "a")))
	o.Observe(snapshot(record("d", "eva \"x\"\nlevel=error", "a eip=1.1.1.1")))
	h.Close()
	want := `level=info msg="Desktop changed" kind=renamed project=office desktop_id=d desktop_name="eva \"x\"\nlevel=error" before=ana after="eva \"x\"\nlevel=error"
level=info msg="Desktop changed" kind=eip_bound project=office desktop_id=d desktop_name="eva \"x\"\nlevel=error" before= after=1.1.1.1
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b.Reset()
	var many []*inventory.Record
	for i := range 250 {
		many = append(many, record(fmt.Sprintf("e%03d", i), ""))
	}
	o.Observe(snapshot(many...))
	h.Close()
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != maxLinesPerSnapshot+1 {
		t.Errorf("%d lines for 251 changes", len(lines))
	}
	if last := lines[len(lines)-1]; last != `level=info msg="Further desktop changes omitted from the log" project=office changes=151` {
		t.Errorf("last line is %s", last)
	}
}

// TestBlockedLog asserts that a blocked log blocks no observer and that the
// pending changes are bounded.
func TestBlockedLog(t *testing.T) {
	t.Parallel()
	w := &gatedWriter{open: make(chan struct{})}
	h := New(Options{Logger: log.NewLogfmtLogger(w), Limit: 3})
	o := h.Observer("r", "p", "")
	o.Observe(snapshot(record("d", "0")))
	const snapshots = maxPendingBatches + 500
	for i := range snapshots {
		o.Observe(snapshot(record("d", fmt.Sprint("n", i))))
	}
	if n := h.Count(office)[inventory.Renamed]; n != snapshots {
		t.Errorf("%d of %d changes counted", n, snapshots)
	}
	close(w.open)
	h.Close()
	text := w.b.String()
	logged := strings.Count(text, "Desktop changed")
	dropped := 0
	if i := strings.Index(text, "too slow\" changes="); i < 0 {
		t.Error("the log lacks the number of dropped changes")
	} else if _, err := fmt.Sscanf(text[i:], "too slow\" changes=%d", &dropped); err != nil {
		t.Error(err)
	}
	if logged+dropped != snapshots || logged > maxPendingBatches+1 {
		t.Errorf("%d logged, %d dropped of %d", logged, dropped, snapshots)
	}
}

// gatedWriter blocks until it is open.
type gatedWriter struct {
	open chan struct{}
	b    bytes.Buffer
}

func (g *gatedWriter) Write(p []byte) (int, error) {
	<-g.open
	return g.b.Write(p)
}
