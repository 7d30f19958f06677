// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/collector"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/filewatch"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace"
)

// serve runs the exporter until ctx ends or a signal arrives.
func serve(ctx context.Context, f *flags, stdout, stderr io.Writer) error {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	logger := f.logger(stderr)

	load := f.load
	if f.demo {
		demo, err := startDemo(logger)
		if err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		defer demo.stop()
		work.Go(func() { demo.run(ctx) })
		load = demo.load
	}
	if f.configCheck {
		if _, err := load(); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(stdout, "configuration is valid")
		return nil
	}

	open, err := listen(&f.web)
	if err != nil {
		return err
	}
	defer open.close()
	a := app.New(app.Options{Logger: logger, Load: load, UserAgent: userAgent(), SaveState: true})
	defer a.Close()
	reload := func() { _ = a.Reload() } // logs its error
	var watcher *filewatch.Watcher
	if f.autoReload {
		watcher = filewatch.New(f.configFile, logger, reload)
	}
	if err := a.Reload(); err != nil {
		return err
	}
	level.Info(logger).Log("msg", "Starting", "version", version.Info(), "build", version.BuildContext())
	work.Go(func() {
		for {
			select {
			case <-reloads:
				reload()
			case <-ctx.Done():
				return
			}
		}
	})
	if watcher != nil {
		work.Go(func() { watcher.Run(ctx) })
	}
	if f.demo {
		_, _ = fmt.Fprintf(stdout, "The demo is at %s – metrics: %s\n", f.pageURL("/"), f.pageURL(f.telemetryPath))
	}
	handler := a.Handler(web.Options{
		DisableExporterMetrics: f.disableExporterMetrics,
		Version:                version.Info(),
		TelemetryPath:          f.telemetryPath,
		RoutePrefix:            f.pathPrefix(),
		LinkPrefix:             f.linkPrefix(),
		TimeoutOffset:          f.timeoutOffset,
		MaxRequests:            f.maxRequests,
		Pprof:                  f.pprof,
	})
	return open.serve(ctx, handler, &f.web, logger, f.slogger(logger))
}

// load reads the configuration file or, without one, the environment.
func (f *flags) load() (*config.Config, error) {
	options := config.Options{KnownRegion: workspace.KnownRegion, Families: collector.FamilyNames()}
	if f.configFile != "" {
		return config.Load(f.configFile, options)
	}
	return config.FromEnvironment(os.Getenv, f.region, options)
}
