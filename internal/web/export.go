// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"io"
	"net/http"
	"time"

	"github.com/go-kit/log/level"
	"github.com/klauspost/compress/gzip"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/export"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/httpheader"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

func (s *server) serveInventoryJSON(w http.ResponseWriter, r *http.Request) {
	s.serveExport(w, r, "application/json", "inventory.json", (*export.Inventory).WriteJSON)
}

func (s *server) serveInventoryCSV(w http.ResponseWriter, r *http.Request) {
	s.serveExport(w, r, "text/csv; charset=utf-8; header=present", "inventory.csv", (*export.Inventory).WriteCSV)
}

func serveSchema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(export.Schema)
}

// serveExport responds with the desktops that match the filter of the request.
func (s *server) serveExport(w http.ResponseWriter, r *http.Request, contentType, file string, write func(*export.Inventory, io.Writer) error) {
	filter, ok := parseFilter(w, r)
	if !ok {
		return
	}
	snapshots, ok := s.selectSnapshots(w, &filter)
	if !ok {
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+file+`"`)
	s.stream(w, r, contentType, func(w io.Writer) error {
		return write(&export.Inventory{Snapshots: snapshots, Filter: &filter, Fields: s.Fields(), Now: time.Now()}, w)
	})
}

// serveDiscovery responds with targets for Prometheus. It responds with 503 if the
// targets may be incomplete: Prometheus then keeps the targets that it has.
func (s *server) serveDiscovery(w http.ResponseWriter, r *http.Request) {
	filter, ok := parseFilter(w, r)
	if !ok {
		return
	}
	discovery, err := export.ParseDiscovery(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, "%s", err)
		return
	}
	// Checked before the snapshots are read, which then have the projects of all
	// accounts.
	if !filter.NamesProjects() {
		for _, a := range s.Accounts() {
			if a.ListedAt.IsZero() {
				writeError(w, http.StatusServiceUnavailable, "the projects of account %s are not known", a.Name)
				return
			}
		}
	}
	snapshots, ok := s.selectSnapshots(w, &filter)
	if !ok {
		return
	}
	for _, snapshot := range snapshots {
		if err := discovery.Complete(snapshot, &filter); err != nil {
			writeError(w, http.StatusServiceUnavailable, "%s", err)
			return
		}
	}
	s.stream(w, r, "application/json", func(w io.Writer) error {
		return discovery.WriteTargets(w, snapshots, &filter, s.Fields())
	})
}

// parseFilter parses the filter parameters of a request. If they are invalid, it
// responds with 400 and ok is false.
func parseFilter(w http.ResponseWriter, r *http.Request) (f export.Filter, ok bool) {
	f, err := export.ParseFilter(r.URL.Query())
	if err != nil {
		writeError(w, http.StatusBadRequest, "%s", err)
	}
	return f, err == nil
}

// selectSnapshots returns the snapshots of the projects that match a filter. If the
// filter names a project that does not exist, it responds with 404 and ok is false.
func (s *server) selectSnapshots(w http.ResponseWriter, f *export.Filter) (snapshots []*inventory.Snapshot, ok bool) {
	snapshots, err := f.Select(s.Fleet.Snapshots())
	if err != nil {
		writeError(w, http.StatusNotFound, "%s", err)
	}
	return snapshots, err == nil
}

// stream responds with what write writes, compressed if the client accepts gzip. If
// write fails, it aborts the connection, so that the client does not mistake a
// truncated response for a complete one.
func (s *server) stream(w http.ResponseWriter, r *http.Request, contentType string, write func(io.Writer) error) {
	release, ok := s.acquireSlot(w)
	if !ok {
		w.Header().Del("Content-Disposition")
		return
	}
	defer release()
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Add("Vary", "Accept-Encoding")
	compress := httpheader.AcceptEncoding(r.Header)["gzip"] > 0
	if compress {
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	if compress {
		write = compressed(write)
	}
	if err := write(w); err != nil {
		level.Debug(s.Logger).Log("msg", "Export aborted", "path", r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
}

// compressed returns a function that writes what write writes, compressed with gzip.
func compressed(write func(io.Writer) error) func(io.Writer) error {
	return func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if err := write(z); err != nil {
			return err
		}
		return z.Close()
	}
}
