// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	sloggokit "github.com/tjhop/slog-gokit"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/web"
)

const (
	defaultAddress = ":10045"
	demoAddress    = "127.0.0.1:10045" // loopback only
)

// flags are the parsed command line.
type flags struct {
	configFile             string
	configCheck            bool
	healthcheck            bool
	autoReload             bool
	region                 string
	regionSet              bool
	demo                   bool
	web                    toolkit.FlagConfig
	addressSet             bool
	telemetryPath          string
	routePrefix            string
	externalURL            *url.URL
	timeoutOffset          time.Duration
	maxRequests            int
	disableExporterMetrics bool
	pprof                  bool
	logLevel               string
	logLevelSet            bool
	logFormat              string
	command                string
	dump                   dumpFlags
}

// newApplication defines the command line. Parsing it sets the fields of f.
func newApplication(f *flags) *kingpin.Application {
	app := kingpin.New(program, "Exports the VPC, subnet, private IP, EIP and security groups of Huawei Cloud Workspace desktops to Prometheus.")
	app.HelpFlag.Short('h')
	app.Version(version.Print(program))
	app.Flag("config.file", "Configuration file. Without it, one project is configured by the SDK's environment variables (HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID, …) and --region.").StringVar(&f.configFile)
	app.Flag("config.check", "Check the configuration and exit: 0 if it is valid, 1 and the errors if not.").BoolVar(&f.configCheck)
	app.Flag("healthcheck", "Check the health of the exporter that runs with the same flags and exit: 0 if it is healthy, 1 and the reason if not. For containers whose image has no other HTTP client.").BoolVar(&f.healthcheck)
	app.Flag("config.auto-reload", "Reload the configuration when its file changes, as on SIGHUP.").BoolVar(&f.autoReload)
	app.Flag("region", "Region of the project, without a configuration file.").Envar("HUAWEICLOUD_REGION").IsSetByUser(&f.regionSet).StringVar(&f.region)
	app.Flag("demo", "Export a simulated cloud; no account is needed. Listens on "+demoAddress+" by default.").BoolVar(&f.demo)
	f.web = *kingpinflag.AddFlags(app, defaultAddress)
	app.GetFlag("web.listen-address").IsSetByUser(&f.addressSet)
	app.Flag("web.telemetry-path", "Path under which to expose the metrics of all projects.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.external-url", "URL under which the exporter is externally reachable, for example through a reverse proxy. Its path prefixes all links on pages and is the default of --web.route-prefix.").URLVar(&f.externalURL)
	app.Flag("web.route-prefix", "Prefix of all paths. Set to / if a proxy strips the path of --web.external-url.").StringVar(&f.routePrefix)
	app.Flag("web.scrape-timeout-offset", "Time reserved out of Prometheus' scrape timeout for sending the response.").Default("500ms").DurationVar(&f.timeoutOffset)
	app.Flag("web.max-requests", "Maximum number of concurrent scrapes and exports; further ones get 503. 0 means no limit.").Default("40").IntVar(&f.maxRequests)
	app.Flag("web.disable-exporter-metrics", "Exclude metrics about the exporter itself.").BoolVar(&f.disableExporterMetrics)
	app.Flag("web.enable-pprof", "Serve runtime profiles under /debug/pprof.").BoolVar(&f.pprof)
	app.Flag("log.level", "Only log messages with this severity or above: debug, info, warn, error. The default of dump is warn.").Default("info").IsSetByUser(&f.logLevelSet).EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages: logfmt, json.").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	app.Command(commandServe, "Serve metrics, pages and exports (the default command).")
	f.dump.define(app.Command(commandDump, "Read everything once, write it and exit."))
	return app
}

// parseFlags returns the flags, or nil and the exit code if there is nothing to run.
func parseFlags(args []string, stdout, stderr io.Writer) (*flags, int) {
	f := &flags{}
	app := newApplication(f)
	ended, code := false, 0
	app.Terminate(func(status int) {
		ended, code = true, status
		app.UsageWriter(io.Discard) // kingpin goes on, and would print the usage again
	})
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)
	if needsDefaultCommand(args) {
		args = append(slices.Clone(args), commandServe)
	}
	var err error
	f.command, err = app.Parse(args)
	if ended {
		return nil, code
	}
	if err == nil {
		err = f.check()
	} else {
		err = flagError(app, args, err)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %s; try --help\n", program, err)
		return nil, 1
	}
	return f, 0
}

// needsDefaultCommand reports whether the default command must be added. A default
// command of kingpin would hide the error of a flag without its argument.
func needsDefaultCommand(args []string) bool {
	app := newApplication(&flags{})
	parsed, err := app.ParseContext(args)
	return err == nil && parsed.SelectedCommand == nil &&
		!slices.ContainsFunc(parsed.Elements, func(e *kingpin.ParseElement) bool { return e.Clause == app.HelpFlag })
}

// flagError adds the name of the flag whose value is invalid, which kingpin omits.
func flagError(app *kingpin.Application, args []string, err error) error {
	parsed, parseErr := app.ParseContext(args)
	if parseErr != nil {
		return err
	}
	for _, e := range parsed.Elements {
		if flag, ok := e.Clause.(*kingpin.FlagClause); ok && e.Value != nil && flag.Model().Value.Set(*e.Value) != nil {
			return fmt.Errorf("--%s: %w", flag.Model().Name, err)
		}
	}
	return err
}

// check validates the flags and sets defaults that depend on other flags.
func (f *flags) check() error {
	if f.command == commandDump {
		if err := f.checkDump(); err != nil {
			return err
		}
	}
	switch {
	case f.demo && f.configFile != "":
		return errors.New("--demo and --config.file are mutually exclusive")
	case f.regionSet && f.demo:
		return errors.New("--demo and --region are mutually exclusive")
	case f.regionSet && f.configFile != "":
		return errors.New("--region and --config.file are mutually exclusive: the file has the regions")
	case f.healthcheck && f.configCheck:
		return errors.New("--healthcheck and --config.check are mutually exclusive")
	case f.healthcheck && *f.web.WebSystemdSocket:
		return errors.New("--healthcheck and --web.systemd-socket are mutually exclusive: the socket unit has the address")
	case f.autoReload && f.configFile == "":
		return errors.New("--config.auto-reload needs --config.file")
	case !cleanPath(f.telemetryPath):
		return fmt.Errorf("--web.telemetry-path %q must be a clean path below /, such as /metrics", f.telemetryPath)
	case web.ReservedPath(f.telemetryPath):
		return fmt.Errorf("--web.telemetry-path %q is already in use", f.telemetryPath)
	case f.timeoutOffset < 0:
		return fmt.Errorf("--web.scrape-timeout-offset %s must not be negative", f.timeoutOffset)
	case f.maxRequests < 0:
		return fmt.Errorf("--web.max-requests %d must not be negative", f.maxRequests)
	}
	if u := f.externalURL; u != nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || !cleanPrefix(u.Path)) {
		return errors.New("--web.external-url must be an http or https URL with a host and a clean path only, such as https://proxy.example.com/exporter")
	}
	if !cleanPrefix(f.routePrefix) {
		return fmt.Errorf("--web.route-prefix %q must be a clean path, such as /exporter", f.routePrefix)
	}
	if f.demo && !f.addressSet {
		*f.web.WebListenAddresses = []string{demoAddress}
	}
	if *f.web.WebConfigFile != "" {
		if err := toolkit.Validate(*f.web.WebConfigFile); err != nil {
			return fmt.Errorf("--web.config.file: %w", err)
		}
	}
	return nil
}

// cleanPath reports whether p is a path of unreserved characters in its canonical
// form.
func cleanPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && !strings.ContainsFunc(p, func(r rune) bool {
		return !strings.ContainsRune("/-._~", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// cleanPrefix is cleanPath for prefixes, which may be empty or end with a slash.
func cleanPrefix(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return p == "" || cleanPath(p)
}

// pathPrefix returns the prefix of all paths, such as /exporter, or "".
func (f *flags) pathPrefix() string {
	if f.routePrefix == "" {
		return f.linkPrefix()
	}
	return strings.TrimSuffix(f.routePrefix, "/")
}

// linkPrefix returns the prefix of all links on pages.
func (f *flags) linkPrefix() string {
	if f.externalURL == nil {
		return strings.TrimSuffix(f.routePrefix, "/")
	}
	return strings.TrimSuffix(f.externalURL.Path, "/")
}

// pageURL returns the URL of a path.
func (f *flags) pageURL(p string) string {
	if f.externalURL != nil {
		return strings.TrimSuffix(f.externalURL.String(), "/") + p
	}
	host, port, err := net.SplitHostPort((*f.web.WebListenAddresses)[0])
	if err != nil {
		return (*f.web.WebListenAddresses)[0]
	}
	if host == "" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + f.pathPrefix() + p
}

// logger returns the logger of the program.
func (f *flags) logger(w io.Writer) log.Logger {
	w = log.NewSyncWriter(w)
	logger := log.NewLogfmtLogger(w)
	if f.logFormat == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(f.logLevel, level.InfoValue())))
	return log.With(logger, "ts", log.DefaultTimestampUTC)
}

// slogger returns a log/slog logger, for libraries, that writes to logger.
func (f *flags) slogger(logger log.Logger) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(f.logLevel)) // cannot fail: the flag allows only names of slog
	return slog.New(noTimeHandler{sloggokit.NewGoKitHandler(logger, l)})
}

// noTimeHandler removes the time, since the logger behind it adds its own.
type noTimeHandler struct{ slog.Handler }

func (h noTimeHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}
