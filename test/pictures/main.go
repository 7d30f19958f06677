// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Command pictures draws the dashboards from real query results: it runs the
// demo and a Prometheus that scrapes it for a while, runs the queries of the
// dashboards, and takes pictures of the page in dashboards/pictures, which draws the
// answers with Grafana's own front-end packages, in a headless Chromium.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/test/grafana"
)

// width is that of a picture, in pixels.
const width = 1500

func main() {
	root := flag.String("root", "..", "the repository")
	prometheus := flag.String("prometheus", "", "a Prometheus that scrapes the demo already, by its URL; without, one is started with the demo")
	history := flag.Duration("history", 30*time.Minute, "how long the demo runs before the pictures are taken, and how much of it they show")
	only := flag.String("only", "", "a part of the pictures' names: only these are taken")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, options{*root, *prometheus, *only, *history}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// options are the flags.
type options struct {
	root, prometheus, only string
	history                time.Duration
}

func run(ctx context.Context, o options) error {
	root, url, history := o.root, o.prometheus, o.history
	if url == "" {
		started, stop, err := startDemo(ctx, root)
		if err != nil {
			return err
		}
		defer stop()
		url = started
		fmt.Printf("the demo runs for %s\n", history)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(history):
		}
	}
	dist := filepath.Join(root, "dashboards", "pictures", "dist")
	names, heights, err := dump(ctx, root, dist, grafana.Prometheus(url), history)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.FileServer(http.Dir(dist)), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }() // until it is closed
	defer server.Close()
	for i, name := range names {
		for _, theme := range []string{"dark", "light"} {
			file := filepath.Join(root, "docs", "images", strings.TrimSuffix(name, ".json")+"-"+theme+".png")
			if !strings.Contains(filepath.Base(file), o.only) {
				continue
			}
			page := fmt.Sprintf("http://%s/?dashboard=%s&theme=%s", listener.Addr(), name, theme)
			if err := screenshot(ctx, page, file, heights[i]); err != nil {
				return err
			}
			fmt.Println(file)
		}
	}
	return nil
}

// startDemo starts the demo and a Prometheus that scrapes it, and returns the
// URL of the latter.
func startDemo(ctx context.Context, root string) (url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running []*exec.Cmd
	stop = func() {
		cancel()
		for _, c := range running {
			_ = c.Wait() // it was killed
		}
		_ = os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	exporter := filepath.Join(dir, "exporter")
	build := exec.CommandContext(ctx, "go", "build", "-o", exporter, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("build the exporter: %w: %s", err, out)
	}
	target, address := freePort(), freePort()
	rules, err := filepath.Abs(filepath.Join(root, "deploy", "prometheus", "*.yml"))
	if err != nil {
		return "", nil, err
	}
	config := fmt.Sprintf(`global: {scrape_interval: 10s, evaluation_interval: 10s}
rule_files: ['%s']
scrape_configs: [{job_name: huaweicloud_workspace, static_configs: [{targets: ['%s']}]}]
`, rules, target)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return "", nil, err
	}
	for _, args := range [][]string{
		{exporter, "--demo", "--web.listen-address=" + target},
		{
			"prometheus", "--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
			"--web.listen-address=" + address, "--enable-feature=native-histograms",
		},
	} {
		c := exec.CommandContext(ctx, args[0], args[1:]...)
		if err := c.Start(); err != nil {
			return "", nil, err
		}
		running = append(running, c)
	}
	return "http://" + address, stop, nil
}

// freePort returns an address of the loopback interface that no program listens on.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:0" // the program that listens there reports the error
	}
	defer l.Close()
	return l.Addr().String()
}

// picture is what the page gets to draw a dashboard.
type picture struct {
	Dashboard json.RawMessage    `json:"dashboard"`
	Chosen    map[string]string  `json:"chosen"`  // what people see of the variables
	Replies   [][]grafana.Result `json:"replies"` // by panel and query
	Span      struct {           // in milliseconds
		From int64 `json:"from"`
		To   int64 `json:"to"`
		Step int64 `json:"step"`
	} `json:"span"`
}

// dump runs all queries of all dashboards, and writes the answers to where the
// page finds them. It returns the names of the files, and the pictures' heights.
func dump(ctx context.Context, root, dist string, p grafana.Prometheus, history time.Duration) (names []string, heights []int, err error) {
	all, err := grafana.Load(filepath.Join(root, "dashboards"))
	if err != nil {
		return nil, nil, err
	}
	data := filepath.Join(dist, "data")
	if err := os.MkdirAll(data, 0o750); err != nil {
		return nil, nil, err
	}
	step := max(history/200, 10*time.Second).Truncate(time.Second)
	now := time.Now().Truncate(step)
	span := grafana.Span{From: now.Add(-history).Truncate(step), To: now, Step: step}
	eventful, err := mostChangedDesktop(ctx, p, span)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range all {
		scope, err := grafana.Resolve(ctx, p, d, grafana.Scope{Span: span, Scrape: 10 * time.Second}, func(v grafana.Variable, _ []grafana.Option) string {
			if v.Name == "desktop" {
				return eventful
			}
			return ""
		})
		if err != nil {
			return nil, nil, err
		}
		out := picture{Chosen: map[string]string{"datasource": "Prometheus"}}
		out.Span.From, out.Span.To, out.Span.Step = span.From.UnixMilli(), span.To.UnixMilli(), step.Milliseconds()
		for _, v := range d.Templating.List {
			if v.Type != "datasource" {
				out.Chosen[v.Name] = scope.Text(v.Name)
			}
		}
		if out.Dashboard, err = os.ReadFile(filepath.Join(root, "dashboards", d.File)); err != nil {
			return nil, nil, err
		}
		bottom := 0
		for _, panel := range d.Panels {
			replies := []grafana.Result{}
			scope := scope
			if shortest, err := time.ParseDuration(panel.Interval); err == nil && shortest > step {
				scope.Step, scope.From = shortest, scope.From.Truncate(shortest).Add(shortest)
			}
			for _, t := range panel.Targets {
				r, err := grafana.Run(ctx, p, t, scope)
				if err != nil {
					return nil, nil, fmt.Errorf("%s: %s: %w", d.File, panel.Title, err)
				}
				if r.Result == nil {
					r.Result = []grafana.Series{}
				}
				replies = append(replies, r)
			}
			out.Replies = append(out.Replies, replies)
			bottom = max(bottom, panel.GridPos.Y+panel.GridPos.H)
		}
		text, err := json.Marshal(out)
		if err != nil {
			return nil, nil, err
		}
		if err := os.WriteFile(filepath.Join(data, d.File), text, 0o600); err != nil {
			return nil, nil, err
		}
		names, heights = append(names, d.File), append(heights, 38*bottom+150)
	}
	return names, heights, nil
}

// mostChangedDesktop finds the desktop whose number of EIPs changed most often.
func mostChangedDesktop(ctx context.Context, p grafana.Prometheus, over grafana.Span) (string, error) {
	expr := fmt.Sprintf(`topk(1, changes(huaweicloud_workspace_desktop_eips[%ds]))`, int(over.To.Sub(over.From).Seconds()))
	r, err := p.Instant(ctx, expr, over.To)
	if err != nil {
		return "", err
	}
	if len(r.Result) == 0 {
		return "", errors.New("Prometheus has no desktop") //nolint:staticcheck // a name
	}
	return r.Result[0].Metric["desktop_id"], nil
}

// screenshot takes a picture of a page, and makes it small.
func screenshot(ctx context.Context, page, file string, height int) error {
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile) //nolint:errcheck // what is left of it is small
	if file, err = filepath.Abs(file); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	for _, args := range [][]string{
		{
			"chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
			"--user-data-dir=" + profile, "--window-size=" + strconv.Itoa(width) + "," + strconv.Itoa(height),
			"--virtual-time-budget=30000", "--enable-logging=stderr", "--screenshot=" + file, page,
		},
		{"pngquant", "--force", "--skip-if-larger", "--quality=60-95", "--strip", "--output=" + file, file},
	} {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
		for line := range strings.SplitSeq(string(out), "\n") {
			if strings.Contains(line, "Uncaught") || strings.Contains(line, "Unhandled") {
				return fmt.Errorf("%s: %s", page, line)
			}
		}
	}
	return nil
}
