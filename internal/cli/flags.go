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
	demoAddress    = "127.0.0.1:10045" // a demonstration is nobody else's business
)

// flags is the command line.
type flags struct {
	configFile    string
	configCheck   bool
	healthcheck   bool
	autoReload    bool
	region        string
	regionSet     bool
	demo          bool
	web           toolkit.FlagConfig
	addressSet    bool
	telemetryPath string
	routePrefix   string
	externalURL   *url.URL
	timeoutOffset time.Duration
	maxRequests   int
	noOwnMetrics  bool
	pprof         bool
	logLevel      string
	logLevelSet   bool
	logFormat     string
	command       string
	dump          dumpFlags
}

// application defines the command line; what is parsed goes into f.
func application(f *flags) *kingpin.Application {
	app := kingpin.New(name, "Tells Prometheus the VPC, subnet, private IP, EIP and security groups of Huawei Cloud Workspace desktops.")
	app.HelpFlag.Short('h')
	app.Version(version.Print(name))
	app.Flag("config.file", "Configuration file. Without one, a single project comes from the SDK's environment variables (HUAWEICLOUD_SDK_AK, HUAWEICLOUD_SDK_SK, HUAWEICLOUD_SDK_PROJECT_ID, …) and --region.").StringVar(&f.configFile)
	app.Flag("config.check", "Check the configuration and exit: 0 if it is valid; 1, with the reasons, if it is not.").BoolVar(&f.configCheck)
	app.Flag("healthcheck", "Ask the exporter that runs with the same flags whether it is healthy and exit: 0 if it is; 1, with the reason, if it is not. For containers, whose image has no other program to ask with.").BoolVar(&f.healthcheck)
	app.Flag("config.auto-reload", "Reload when the configuration file changes, as with SIGHUP.").BoolVar(&f.autoReload)
	app.Flag("region", "Region of the single project, without a configuration file.").Envar("HUAWEICLOUD_REGION").IsSetByUser(&f.regionSet).StringVar(&f.region)
	app.Flag("demo", "Export a simulated cloud; needs no account. Listens on "+demoAddress+" unless told otherwise.").BoolVar(&f.demo)
	f.web = *kingpinflag.AddFlags(app, defaultAddress)
	app.GetFlag("web.listen-address").IsSetByUser(&f.addressSet)
	app.Flag("web.telemetry-path", "Path of the metrics of all projects.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.external-url", "URL under which the exporter is reachable from outside, such as through a reverse proxy. Links on pages begin with its path, which is also the default of --web.route-prefix.").URLVar(&f.externalURL)
	app.Flag("web.route-prefix", "Prefix of all paths. / where a proxy takes the path of --web.external-url away.").StringVar(&f.routePrefix)
	app.Flag("web.scrape-timeout-offset", "Kept back from the scrape timeout that Prometheus tells, for the answer itself.").Default("500ms").DurationVar(&f.timeoutOffset)
	app.Flag("web.max-requests", "Scrapes and exports answered at the same time; more get 503. 0: any number.").Default("40").IntVar(&f.maxRequests)
	app.Flag("web.disable-exporter-metrics", "Leave out the metrics of the exporter itself.").BoolVar(&f.noOwnMetrics)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter under /debug/pprof.").BoolVar(&f.pprof)
	app.Flag("log.level", "Log messages of this severity and above: debug, info, warn, error. dump logs warn and above unless told otherwise.").Default("info").IsSetByUser(&f.logLevelSet).EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Format of log messages: logfmt, json.").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	app.Command(commandServe, "Serve metrics, pages and exports. This is what is done without a command.")
	f.dump.define(app.Command(commandDump, "Read everything once, write it, and end."))
	return app
}

// parseFlags gives nil and the exit code where there is nothing to run.
func parseFlags(args []string, stdout, stderr io.Writer) (*flags, int) {
	f := &flags{}
	app := application(f)
	ended, code := false, 0
	app.Terminate(func(status int) { ended, code = true, status })
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)
	if commandless(args) {
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
		err = blame(app, args, err)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: error: %s; try --help\n", name, err)
		return nil, 1
	}
	return f, 0
}

// commandless tells whether the command that is the default has to be added. If
// kingpin did it, it would take a flag that lacks its argument for none at all.
func commandless(args []string) bool {
	app := application(&flags{})
	parsed, err := app.ParseContext(args)
	return err == nil && parsed.SelectedCommand == nil &&
		!slices.ContainsFunc(parsed.Elements, func(e *kingpin.ParseElement) bool { return e.Clause == app.HelpFlag })
}

// blame names the flag whose value does not parse, which kingpin does not.
func blame(app *kingpin.Application, args []string, err error) error {
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

// check looks for flags that cannot work, and fills in what depends on others.
func (f *flags) check() error {
	if f.command == commandDump {
		if err := f.checkDump(); err != nil {
			return err
		}
	}
	switch {
	case f.demo && f.configFile != "":
		return errors.New("--demo and --config.file exclude each other")
	case f.regionSet && f.demo:
		return errors.New("--demo and --region exclude each other")
	case f.regionSet && f.configFile != "":
		return errors.New("--region and --config.file exclude each other: the file names the regions")
	case f.healthcheck && f.configCheck:
		return errors.New("--healthcheck and --config.check exclude each other")
	case f.healthcheck && *f.web.WebSystemdSocket:
		return errors.New("--healthcheck and --web.systemd-socket exclude each other: the socket unit has the address")
	case f.autoReload && f.configFile == "":
		return errors.New("--config.auto-reload needs --config.file")
	case !cleanPath(f.telemetryPath):
		return fmt.Errorf("--web.telemetry-path %q must be a clean path below /, such as /metrics", f.telemetryPath)
	case web.ReservedPath(f.telemetryPath):
		return fmt.Errorf("--web.telemetry-path %q is the path of something else", f.telemetryPath)
	case f.timeoutOffset < 0:
		return fmt.Errorf("--web.scrape-timeout-offset %s must not be negative", f.timeoutOffset)
	case f.maxRequests < 0:
		return fmt.Errorf("--web.max-requests %d must not be negative", f.maxRequests)
	}
	if u := f.externalURL; u != nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil ||
		u.RawQuery != "" || u.Fragment != "" || !cleanPrefix(u.Path)) {
		return errors.New("--web.external-url must be like https://proxy.example.com/exporter: http or https, a host and a clean path, and nothing else")
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

// cleanPath tells whether p is a path of plain characters that nothing would
// spell another way.
func cleanPath(p string) bool {
	return strings.HasPrefix(p, "/") && p != "/" && path.Clean(p) == p && !strings.ContainsFunc(p, func(r rune) bool {
		return !strings.ContainsRune("/-._~", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// cleanPrefix is cleanPath for prefixes: they may be empty, and a slash at the
// end says nothing.
func cleanPrefix(p string) bool {
	p = strings.TrimSuffix(p, "/")
	return p == "" || cleanPath(p)
}

// prefix gives the prefix of all paths: "" or such as /exporter.
func (f *flags) prefix() string {
	if f.routePrefix == "" {
		return f.linkPrefix()
	}
	return strings.TrimSuffix(f.routePrefix, "/")
}

// linkPrefix gives the prefix of all links on pages.
func (f *flags) linkPrefix() string {
	if f.externalURL == nil {
		return strings.TrimSuffix(f.routePrefix, "/")
	}
	return strings.TrimSuffix(f.externalURL.Path, "/")
}

// address gives the URL at which a path can be opened.
func (f *flags) address(p string) string {
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
	return "http://" + net.JoinHostPort(host, port) + f.prefix() + p
}

// logger makes the logger of the whole program.
func (f *flags) logger(w io.Writer) log.Logger {
	w = log.NewSyncWriter(w)
	logger := log.NewLogfmtLogger(w)
	if f.logFormat == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = level.NewFilter(logger, level.Allow(level.ParseDefault(f.logLevel, level.InfoValue())))
	return log.With(logger, "ts", log.DefaultTimestampUTC)
}

// slogger makes a logger for libraries that log with log/slog, onto ours.
func (f *flags) slogger(logger log.Logger) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(f.logLevel)) // the flag allows only names that slog knows
	return slog.New(untimed{sloggokit.NewGoKitHandler(logger, l)})
}

// untimed leaves the time to the logger behind it, which adds its own.
type untimed struct{ slog.Handler }

func (h untimed) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}
