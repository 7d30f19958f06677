// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/log/level"
	"github.com/klauspost/compress/gzip"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Whoever reads an export may be slow, but has to take each piece within the
// first time and everything within the second.
const (
	pieceTimeout  = 15 * time.Second
	exportTimeout = 10 * time.Minute
)

func (s *server) inventoryJSON(w http.ResponseWriter, r *http.Request) {
	s.export(w, r, "application/json", "inventory.json", (*export.Inventory).WriteJSON)
}

func (s *server) inventoryCSV(w http.ResponseWriter, r *http.Request) {
	s.export(w, r, "text/csv; charset=utf-8; header=present", "inventory.csv", (*export.Inventory).WriteCSV)
}

// schema answers with the schema of the JSON.
func schema(w http.ResponseWriter, r *http.Request) {
	if known(w, r) {
		w.Header().Set("Content-Type", "application/schema+json")
		_, _ = w.Write(export.Schema)
	}
}

// export answers with the inventory, as the filter of the request chooses it.
func (s *server) export(w http.ResponseWriter, r *http.Request, contentType, file string, write func(*export.Inventory, io.Writer) error) {
	_, filter, ok := filtered(w, r, nil)
	if !ok {
		return
	}
	snapshots, ok := s.chosen(w, &filter)
	if !ok {
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`"`)
	s.stream(w, r, contentType, func(w io.Writer) error {
		return write(&export.Inventory{Snapshots: snapshots, Filter: &filter, Fields: s.Show(), Now: time.Now()}, w)
	})
}

// discovery answers with targets for Prometheus. It answers nothing where some
// of them may not be known: Prometheus keeps what it has then.
func (s *server) discovery(w http.ResponseWriter, r *http.Request) {
	query, filter, ok := filtered(w, r, export.DiscoveryParameters())
	if !ok {
		return
	}
	discovery, err := export.ParseDiscovery(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%s", err)
		return
	}
	// Before the snapshots: these then have the projects of all accounts.
	if !filter.NamesProjects() {
		for _, a := range s.Accounts() {
			if a.Listed.IsZero() {
				refuse(w, http.StatusServiceUnavailable, "the projects of account %s are not known", a.Name)
				return
			}
		}
	}
	snapshots, ok := s.chosen(w, &filter)
	if !ok {
		return
	}
	for _, snapshot := range snapshots {
		if err := discovery.Complete(snapshot, &filter); err != nil {
			refuse(w, http.StatusServiceUnavailable, "%s", err)
			return
		}
	}
	s.stream(w, r, "application/json", func(w io.Writer) error {
		return discovery.WriteTargets(w, snapshots, &filter, s.Show())
	})
}

// filtered reads the parameters of a filter, beside others of one value each,
// and refuses what it cannot read.
func filtered(w http.ResponseWriter, r *http.Request, others []string) (query url.Values, f export.Filter, ok bool) {
	query, ok = takes(w, r, others, export.Parameters())
	if !ok {
		return nil, f, false
	}
	f, err := export.ParseFilter(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, "%s", err)
	}
	return query, f, err == nil
}

// chosen gives the snapshots of the projects that a filter chooses, and refuses
// a filter that names one that is none.
func (s *server) chosen(w http.ResponseWriter, f *export.Filter) (snapshots []*inventory.Snapshot, ok bool) {
	snapshots, err := f.Select(s.Fleet.Snapshots())
	if err != nil {
		refuse(w, http.StatusNotFound, "%s", err)
	}
	return snapshots, err == nil
}

// stream answers with what is written, piece by piece. An answer that breaks
// off is seen to have done so: its last piece is missing.
func (s *server) stream(w http.ResponseWriter, r *http.Request, contentType string, write func(io.Writer) error) {
	leave, ok := s.enter(w)
	if !ok {
		w.Header().Del("Content-Disposition")
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Add("Vary", "Accept-Encoding")
	zipped := httpheader.AcceptEncoding(r.Header)["gzip"] > 0
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	out := &piecewise{w: w, control: http.NewResponseController(w), end: time.Now().Add(exportTimeout)}
	err := func() error {
		if !zipped {
			return write(out)
		}
		z, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if err := write(z); err != nil {
			return err
		}
		return z.Close()
	}()
	if err != nil {
		level.Debug(s.Logger).Log("msg", "Export ended early", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler) // or the end of the answer would look like that of the inventory
	}
}

// piecewise gives whoever reads some time for each piece.
type piecewise struct {
	w       io.Writer
	control *http.ResponseController
	end     time.Time
}

// Write writes a piece.
func (p *piecewise) Write(b []byte) (int, error) {
	deadline := time.Now().Add(pieceTimeout)
	if deadline.After(p.end) {
		deadline = p.end
	}
	_ = p.control.SetWriteDeadline(deadline) // a test's recorder has none
	return p.w.Write(b)
}
