// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// drain is how long scrapes under way may still take when the exporter stops.
const drain = 15 * time.Second

// newServer makes a server in which nobody who is slow to ask, or silent
// afterwards, holds anything for long.
func newServer(h http.Handler, logger log.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // scrapes set their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          stdlog.New(complaints{logger}, "", 0),
	}
}

// listen serves until ctx ends, and then lets the requests under way end.
func listen(ctx context.Context, h http.Handler, flags *toolkit.FlagConfig, logger log.Logger, slogger *slog.Logger) error {
	addresses := *flags.WebListenAddresses
	if *flags.WebSystemdSocket {
		addresses = addresses[:1] // none of them counts
	}
	// Each address has a server of its own: the toolkit writes into it.
	var servers []*http.Server
	served := make(chan error, len(addresses))
	for i := range addresses {
		server, one := newServer(h, logger), *flags
		one.WebListenAddresses = &[]string{addresses[i]}
		servers = append(servers, server)
		go func() { served <- toolkit.ListenAndServe(server, &one, slogger) }()
	}
	var err error
	serving := len(servers)
	select {
	case err = <-served:
		serving--
	case <-ctx.Done():
		level.Info(logger).Log("msg", "Stopping")
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	var stopped sync.WaitGroup
	for _, server := range servers {
		stopped.Go(func() {
			if server.Shutdown(stopping) != nil {
				_ = server.Close()
			}
		})
	}
	stopped.Wait()
	for range serving {
		if e := <-served; err == nil && !errors.Is(e, http.ErrServerClosed) {
			err = e
		}
	}
	return err
}

// complaints takes what net/http has to say. Most of it is about clients, and
// nothing that they should fill the log with.
type complaints struct{ logger log.Logger }

// Write logs one complaint.
func (c complaints) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	logger := level.Debug(c.logger)
	if strings.HasPrefix(text, "http: panic") || strings.HasPrefix(text, "http: Accept error") {
		logger = level.Error(c.logger)
	}
	_ = logger.Log("msg", "HTTP server error", "err", text)
	return len(p), nil
}
