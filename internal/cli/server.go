// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// shutdownTimeout is the time that requests in progress get when the exporter stops.
const shutdownTimeout = 15 * time.Second

// newServer returns a server with timeouts that keep slow and idle clients from
// occupying connections.
func newServer(h http.Handler, logger log.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute, // scrapes set their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          stdlog.New(httpErrorLog{logger}, "", 0),
	}
}

// listeners are the addresses to serve on.
type listeners []struct {
	address      string
	net.Listener // nil: the toolkit opens the address when it serves
}

// listen opens the addresses of the flags, so that an address that is in use
// ends the program before it has read or written anything else. Sockets of
// systemd exist already, and vsock is left to the toolkit.
func listen(flags *toolkit.FlagConfig) (listeners, error) {
	addresses := *flags.WebListenAddresses
	if *flags.WebSystemdSocket {
		addresses = addresses[:1] // not used
	}
	all := make(listeners, len(addresses))
	for i, address := range addresses {
		all[i].address = address
		if *flags.WebSystemdSocket || strings.HasPrefix(address, "vsock://") {
			continue
		}
		var err error
		if all[i].Listener, err = net.Listen("tcp", address); err != nil {
			all.close()
			return nil, err
		}
	}
	return all, nil
}

func (all listeners) close() {
	for _, l := range all {
		if l.Listener != nil {
			_ = l.Close()
		}
	}
}

// serve serves until ctx ends, and then waits for the requests in progress.
func (all listeners) serve(ctx context.Context, h http.Handler, flags *toolkit.FlagConfig, logger log.Logger, slogger *slog.Logger) error {
	// Each address has its own server, since the toolkit modifies it.
	var servers []*http.Server
	served := make(chan error, len(all))
	for _, l := range all {
		server, one := newServer(h, logger), *flags
		one.WebListenAddresses = &[]string{l.address}
		servers = append(servers, server)
		go func() {
			if l.Listener == nil {
				served <- toolkit.ListenAndServe(server, &one, slogger)
			} else {
				served <- toolkit.Serve(l.Listener, server, &one, slogger)
			}
		}()
	}
	var err error
	serving := len(servers)
	select {
	case err = <-served:
		serving--
	case <-ctx.Done():
		level.Info(logger).Log("msg", "Stopping")
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
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

// httpErrorLog logs the messages of net/http. Most are about clients, which must
// not be able to fill the log: those are logged at level debug.
type httpErrorLog struct{ logger log.Logger }

// Write logs one message.
func (l httpErrorLog) Write(p []byte) (int, error) {
	text := strings.TrimSpace(string(p))
	logger := level.Debug(l.logger)
	if strings.HasPrefix(text, "http: panic") || strings.HasPrefix(text, "http: Accept error") {
		logger = level.Error(l.logger)
	}
	_ = logger.Log("msg", "HTTP server error", "err", text)
	return len(p), nil
}
