// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
)

// The commands.
const (
	commandServe = "serve"
	commandDump  = "dump"
)

// The exit codes of dump beside 0 and 1.
const (
	exitIncomplete  = 2 // something could not be read
	exitInterrupted = 3 // a signal arrived; nothing is written
)

// dumpFlags are the flags of dump.
type dumpFlags struct {
	format  string
	filters []string
	filter  export.Filter // parsed from filters
	output  string
	strict  bool
	timeout time.Duration
}

func (d *dumpFlags) define(c *kingpin.CmdClause) {
	c.Flag("format", "Output format: json, csv, table, prometheus.").Default("table").EnumVar(&d.format, "json", "csv", "table", "prometheus")
	c.Flag("filter", "Select desktops by a parameter of /inventory, such as vpc=main, status=ACTIVE or eip=none. Repeatable.").PlaceHolder("NAME=VALUE").StringsVar(&d.filters)
	c.Flag("output", "Output file, replaced atomically when everything is written; - is standard output.").Default("-").StringVar(&d.output)
	c.Flag("strict", "Write nothing if anything could not be read.").BoolVar(&d.strict)
	c.Flag("timeout", "Maximum time to read, including waits for API quota.").Default("15m").DurationVar(&d.timeout)
}

// checkDump validates the flags of dump.
func (f *flags) checkDump() error {
	for flag, given := range map[string]bool{"--config.check": f.configCheck, "--healthcheck": f.healthcheck, "--config.auto-reload": f.autoReload} {
		if given {
			return fmt.Errorf("dump and %s are mutually exclusive", flag)
		}
	}
	if f.dump.timeout < time.Second {
		return fmt.Errorf("--timeout %s must be at least a second", f.dump.timeout)
	}
	values := url.Values{}
	for _, text := range f.dump.filters {
		parameter, value, ok := strings.Cut(text, "=")
		if !ok || !slices.Contains(export.Parameters(), parameter) {
			return fmt.Errorf("--filter %q must be NAME=VALUE with one of the names %s", text, strings.Join(export.Parameters(), ", "))
		}
		values.Add(parameter, value)
	}
	var err error
	if f.dump.filter, err = export.ParseFilter(values); err != nil {
		return fmt.Errorf("--filter: %w", err)
	}
	if !f.logLevelSet {
		f.logLevel = "warn"
	}
	return nil
}

// Errors of a dump with exit codes of their own.
var (
	errIncomplete  = errors.New("incomplete")
	errInterrupted = errors.New("interrupted, nothing written")
)

// dump reads everything once, writes it and returns the exit code.
func dump(ctx context.Context, f *flags, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal exits at once
	err := f.dumpTo(ctx, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errIncomplete):
		return exitIncomplete // the missing data is on stderr
	}
	_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", program, err)
	if errors.Is(err, errInterrupted) {
		return exitInterrupted
	}
	return 1
}

func (f *flags) dumpTo(ctx context.Context, stdout, stderr io.Writer) error {
	out, err := openOutput(f.dump.output, stdout)
	if err != nil {
		return err
	}
	defer out.discard()
	logger, load := f.logger(stderr), f.load
	if f.demo {
		demo, err := startDemo(logger)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer demo.stop()
		load = demo.load
	}
	a := app.New(app.Options{Logger: logger, Load: oneShotConfig(load, f.dump.timeout), UserAgent: userAgent()})
	defer a.Close()
	if err := a.Reload(); err != nil {
		return err
	}
	return f.dump.run(ctx, a, out, stderr)
}

// oneShotConfig adapts a configuration to reading once: a refresh may take the
// whole timeout, and changes are not delivered to the webhook.
func oneShotConfig(load func() (*config.Config, error), timeout time.Duration) func() (*config.Config, error) {
	return func() (*config.Config, error) {
		c, err := load()
		if err == nil {
			c.Refresh.Timeout = model.Duration(timeout)
			c.Changes.Webhook = config.Webhook{}
		}
		return c, err
	}
}

// run reads everything and writes it.
func (d *dumpFlags) run(ctx context.Context, a *app.App, out *output, stderr io.Writer) error {
	reading, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	finish := showProgress(stderr, a.Fleet())
	all := readAll(reading, a)
	finish()
	if ctx.Err() != nil {
		return errInterrupted
	}
	snapshots, err := d.filter.Select(all)
	if err != nil {
		return fmt.Errorf("--filter: %w", err)
	}
	missing := append(missingAccounts(a), missingData(snapshots)...)
	for _, text := range missing {
		_, _ = fmt.Fprintf(stderr, "%s: incomplete: %s\n", program, text)
	}
	if len(missing) > 0 && d.strict {
		return errIncomplete
	}
	if err := d.write(out, a, snapshots); err != nil {
		return fmt.Errorf("write %s: %w", d.output, err)
	}
	if err := out.commit(); err != nil {
		return fmt.Errorf("write %s: %w", d.output, err)
	}
	if len(missing) > 0 {
		return errIncomplete
	}
	return nil
}

// Projects with transient failures are read again.
const (
	readAttempts   = 3
	readRetryDelay = 5 * time.Second
)

// readAll reads all projects completely, until ctx ends.
func readAll(ctx context.Context, a *app.App) []*inventory.Snapshot {
	for len(a.PendingAccounts()) > 0 && sleep(ctx, 100*time.Millisecond) {
		continue
	}
	for try := 1; ; try++ {
		snapshots := a.Fleet().WaitIdle(ctx)
		if try == readAttempts || !slices.ContainsFunc(snapshots, isTransient) || !sleep(ctx, readRetryDelay) {
			return snapshots
		}
		a.Fleet().Refresh(ctx)
	}
}

// missingAccounts describes the accounts whose projects were not listed yet.
func missingAccounts(a *app.App) []string {
	var texts []string
	for _, name := range a.PendingAccounts() {
		texts = append(texts, fmt.Sprintf("account %s: its projects were not listed yet", name))
	}
	return texts
}

// isTransient reports whether a project failed and may recover by itself.
func isTransient(s *inventory.Snapshot) bool {
	return s.Health.Refreshed && !s.Health.Up &&
		!slices.ContainsFunc(s.Health.Failures, func(f *inventory.Failure) bool { return f.Kind >= inventory.Refused })
}

// missingData describes what is missing or stale in the snapshots.
func missingData(snapshots []*inventory.Snapshot) []string {
	var texts []string
	for _, s := range snapshots {
		h := &s.Health
		add := func(format string, args ...any) {
			texts = append(texts, "project "+s.Project.Name+": "+fmt.Sprintf(format, args...))
		}
		for _, f := range h.Failures {
			add("%s", f)
		}
		switch {
		case !h.Refreshed || !h.Listed:
			add("desktops unknown")
		case h.Unresolved > 0:
			add("networks of %d of %d desktops unknown", h.Unresolved, len(s.Records))
		}
		if h.Stale > 0 {
			add("networks of %d of %d desktops stale", h.Stale, len(s.Records))
		}
	}
	return texts
}

// write writes snapshots in the selected format.
func (d *dumpFlags) write(w io.Writer, a *app.App, snapshots []*inventory.Snapshot) error {
	v := export.Inventory{Snapshots: snapshots, Filter: &d.filter, Fields: a.Fields(), Now: time.Now()}
	switch d.format {
	case "json":
		return v.WriteJSON(w)
	case "csv":
		return v.WriteCSV(w)
	case "table":
		return v.WriteTable(w)
	}
	// As in a scrape without parameters and headers.
	read := func(context.Context) []*inventory.Snapshot { return d.filter.Apply(snapshots) }
	response := &writerResponse{header: http.Header{}, w: w}
	a.MetricsHandler(read, false).ServeHTTP(response, &http.Request{Method: http.MethodGet, URL: &url.URL{}, Header: http.Header{}})
	return response.err
}

// writerResponse is an http.ResponseWriter that writes the body to w.
type writerResponse struct {
	header http.Header
	w      io.Writer
	err    error // of the first write that failed
}

// Header implements http.ResponseWriter. The headers are not used.
func (r *writerResponse) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter. The status is 200.
func (r *writerResponse) WriteHeader(int) {}

// Write implements io.Writer.
func (r *writerResponse) Write(b []byte) (int, error) {
	n, err := r.w.Write(b)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// showProgress shows the progress on a terminal until finish is called.
func showProgress(w io.Writer, fleet *refresh.Fleet) (finish func()) {
	file, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for sleep(ctx, 500*time.Millisecond) {
			_, _ = fmt.Fprintf(w, "\r\x1b[K%s", progress(fleet.Snapshots(), time.Now()))
		}
		_, _ = fmt.Fprint(w, "\r\x1b[K")
	})
	return func() {
		cancel()
		work.Wait()
	}
}

// progress describes how much is read.
func progress(snapshots []*inventory.Snapshot, now time.Time) string {
	desktops, read := 0, 0
	var waiting time.Time
	for _, s := range snapshots {
		desktops += len(s.Records)
		read += len(s.Records) - s.Health.Unresolved
		if s.Health.QuotaExceededUntil.After(waiting) {
			waiting = s.Health.QuotaExceededUntil
		}
	}
	text := fmt.Sprintf("%d of %d desktops in %d projects read", read, desktops, len(snapshots))
	if waiting.After(now) {
		text += fmt.Sprintf("; waiting %s for API quota", waiting.Sub(now).Round(time.Second))
	}
	return text
}

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	select {
	case <-time.After(pause):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
