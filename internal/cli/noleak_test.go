// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// TestSecretScan checks that the scan finds secrets.
func TestSecretScan(t *testing.T) {
	var s secretSet
	s.add("hush hush/+")
	s.addIssued([]byte(`{"credential":{"access":"AKISSUED","secret":"0123abcd","securitytoken":"tok9z"}}`))
	for _, text := range []string{
		"hush hush/+", "HUSH HUSH/+", "a=hush+hush%2F%2B&b", "hush%20hush%2F+", "aHVzaCBodXNoLys=", "6875736820687573682f2b",
		"key AKISSUED", "0123abcd", "HST0123456789abcdef0", "Signature=abc", "SDK-HMAC-SHA256 Access=", "some CANARY",
		"SESSION" + strings.Repeat("0a", 16), "TOKEN" + strings.Repeat("0a", 32), "canonicalRequest:GET|", "ENCODED-AK",
	} {
		if len(s.scan("before "+text+" after")) == 0 {
			t.Errorf("%q is not found", text)
		}
	}
	if found := s.scan("level=info msg=\"Project refreshed\" TOKEN SESSION hush access_key secret"); len(found) > 0 {
		t.Errorf("%q is found where nothing is", found)
	}
}

const refuseAll = "401 with a canonical request"

// leakFaults returns the faults to inject, one after the other.
func leakFaults() map[string]simulator.Fault {
	return map[string]simulator.Fault{
		"500": {Status: 500}, "429": {Status: 429}, "403": {Status: 403}, "404": {Status: 404}, "503": {Status: 503},
		"HTML": {Status: 200, Body: []byte("<html>login</html>")}, "{}": {Status: 200, Body: []byte("{}")},
		"302":   {Status: 302, Header: http.Header{"Location": {"http://127.0.0.1/?token=CANARYLOCATION"}}, Body: []byte("moved")},
		"reset": {ResetConnection: true}, "half": {TruncateBody: true}, "hang": {HangBeforeHeader: true}, "hang in body": {HangInBody: true},
		"hostile": {Status: 400, Header: http.Header{"X-Request-Id": {"CANARYREQUESTID/+"}}, Body: simulator.WorkspaceError("CANARY CODE", "CANARYMESSAGE", "CANARYDETAIL", "CANARYENCODED")},
		"wrong types": {RewriteBody: func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"desktop_id":"`), []byte(`"desktop_id":7,"x":"`))
		}},
		refuseAll: {Status: 401, Body: simulator.GatewayError("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:GET|/v2|x-security-token:CANARYINLINETOKEN|", "r1")},
	}
}

// TestNoSecretLeaks runs the exporter as a process with secrets in every place of
// the configuration, makes everything fail at debug level, and scans everything
// that is visible from outside.
func TestNoSecretLeaks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the process list is read from /proc")
	}
	v := newLeakTest(t)
	faults := slices.DeleteFunc(slices.Sorted(maps.Keys(leakFaults())), func(name string) bool { return name == refuseAll })
	faults = append(faults, refuseAll) // last, since it opens the circuit breakers of all keys
	config := v.writeFile("exporter.yml", v.yaml)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--config.file="+config, "--log.level=debug", "--web.enable-pprof",
		"--web.listen-address=127.0.0.1:0", "--web.config.file="+v.writeFile("web.yml", webUser), "--web.external-url=https://proxy.example.com/exporter")
	cmd.Env = append(v.env, runAsExporter+"=1", "HOME="+v.dir, "GOTRACEBACK=all")
	var stdout, stderr testutil.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	x := &process{T: t}
	x.eventually("listening", func() bool {
		if m := listening.FindStringSubmatch(stderr.String()); m != nil {
			x.urls = []string{"http://" + m[1] + "/exporter"}
		}
		return len(x.urls) > 0
	})

	// What is visible, by place.
	places := map[string]string{}
	see := func(place, text string) { places[place] += text + "\n" }
	c := newClient(t, nil)
	password := basicAuth("prometheus", "correct horse")
	v.add("correct horse")
	v.add(strings.TrimPrefix(password[1], "Basic "))
	ask := func(method, path string, header ...string) {
		r := fetch(t, c, method, x.urls[0]+path, append(header, append(password, "X-Prometheus-Scrape-Timeout-Seconds", "1")...)...)
		place, _, _ := strings.Cut(path, "?")
		see(place, fmt.Sprint(r.StatusCode, r.Header, r.body))
	}
	look := func() {
		for _, accept := range []string{
			"text/plain", "application/openmetrics-text;version=1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8",
			"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
		} {
			ask(http.MethodGet, "/metrics", "Accept", accept)
		}
		for _, path := range []string{
			"/", "/status", "/config", "/-/healthy", "/-/ready", "/nothing?CANARYLESS=1",
			"/debug/pprof/goroutine?debug=2", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap?debug=1", "/debug/pprof/cmdline",
		} {
			ask(http.MethodGet, path)
		}
		for name := range v.project {
			ask(http.MethodGet, "/probe?target="+name)
		}
	}
	ask(http.MethodGet, "/metrics")
	v.cloud.PutDesktop(v.project["inline"], apptest.Desktop("d1", "203.0.113.7"))
	look()
	for _, name := range faults {
		heal := v.cloud.AddFault(leakFaults()[name])
		v.proxy.mu.Lock()
		v.proxy.deny = name == "500"
		v.proxy.mu.Unlock()
		for _, path := range []string{"/metrics", "/status", "/probe?target=inline", "/debug/pprof/goroutine?debug=2"} {
			ask(http.MethodGet, path)
		}
		heal()
	}
	look()
	for name, bad := range map[string]string{
		"not YAML":     strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "secret_key: \"CANARYINLINESECRET", 1),
		"alias":        strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "secret_key: *CANARYINLINESECRET", 1),
		"as a key":     strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "CANARYINLINESECRET: x", 1),
		"as a list":    strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "secret_key: [CANARYINLINESECRET]", 1),
		"as a file":    strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "secret_key: CANARYINLINESECRET, secret_key_file: x", 1),
		"with a space": strings.Replace(v.yaml, "secret_key: CANARYINLINESECRET", "secret_key: CANARYINLINESECRET x", 1),
		"webhook":      strings.Replace(v.yaml, "/CANARYHOOKPATH", "/CANARYHOOKPATH#", 1),
		"header":       strings.Replace(v.yaml, "X-Key: CANARYHOOKHEADER", `X-Key: "CANARYHOOKHEADER\x01"`, 1),
		"proxy":        strings.Replace(v.yaml, "proxy_url: \"http:", "proxy_url: \"nonsense:", 1),
		"proxy port":   regexp.MustCompile(`(proxy_url: "http://.*@127.0.0.1:)\d+`).ReplaceAllString(v.yaml, "${1}port"),
	} {
		if bad == v.yaml {
			t.Fatalf("%s changes nothing", name)
		}
		testutil.ReplaceFile(t, config, bad)
		ask(http.MethodPost, "/-/reload")
		ask(http.MethodGet, "/status")
	}
	// No request is sent for a new project with a paused key.
	const paused = "so that the cloud does not lock it"
	testutil.ReplaceFile(t, config, strings.Replace(v.yaml, "projects:\n", fmt.Sprintf("projects:\n  - name: late\n    region: la-north-2\n    project_id: %032x\n"+
		"    endpoint: %s\n    credentials: {access_key: AKCANARYUNKNOWN, secret_key: CANARYUNKNOWNSECRET}\n", 0xab, v.url), 1))
	ask(http.MethodPost, "/-/reload")
	x.eventually("a paused key in the log", func() bool {
		ask(http.MethodGet, "/probe?target=late")
		return strings.Contains(stderr.String(), paused)
	})
	for _, path := range everyPath {
		method, path, _ := strings.Cut(path, " ")
		r := fetch(t, c, method, x.urls[0]+path, basicAuth("prometheus", v.add("CANARYWRONGPASSWORD"))...)
		see("refused", fmt.Sprint(r.StatusCode, r.Header, r.body))
	}

	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	see("/proc/PID/cmdline", string(cmdline))
	// A key that is not paused, so that calls are in progress when the goroutines
	// are dumped.
	k := v.addKey("ROTATED", true)
	v.writeFile("token", k.SecurityToken)
	v.writeFile("sk", k.SecretKey)
	v.writeFile("ak", k.AccessKey)
	v.cloud.AddFault(simulator.Fault{HangBeforeHeader: true})
	x.eventually("asking with the new key", func() bool {
		ask(http.MethodGet, "/probe?target=files")
		return slices.ContainsFunc(v.cloud.Calls(), func(c simulator.Call) bool { return c.AccessKey == k.AccessKey })
	})
	x.eventually("a change that is refused", func() bool { return strings.Contains(stderr.String(), "Webhook receiver rejected an event") })
	before := stderr.String()
	_ = cmd.Process.Signal(syscall.SIGQUIT)
	<-ended
	see("log", before)
	see("SIGQUIT", strings.TrimPrefix(stderr.String(), before))
	see("stdout", stdout.String())

	v.checkPlaces(places, map[string][]string{
		"log": {
			"msg=\"API call\" project=inline", "project=oidc", "project=org", "account=org", "msg=\"Configuration reload failed", "request_id=", "HTTP 401 APIGW.0301",
			paused, "encoded_authorization_message", "the proxy requires authentication", "no credentials: 127.0.0.1",
			`key=changes.webhook err="the receiver is unreachable"`,
		},
		"/metrics":               {`project="inline"`, "tls_verification|build_info", `code="401"`, `code="error"`, "# EOF", "\x0a"},
		"/probe":                 {`project="files"`, `project="pod"`},
		"/":                      {"/exporter/probe?target=inline"},
		"/status":                {"What to do:", "(request ", "The last reload failed", "APIGW.0301", "API quota"},
		"/config":                {"proxy_url: http://scraper:", "secret_key: <secret>", "secret_key_file: " + v.dir, "idp_id: cluster", "url: <secret>", "credentials: <secret>", "X-Key: <secret>"},
		"/-/reload":              {"200", "reload failed, the old configuration stays in force", "projects[0].credentials.secret_key"},
		"/-/healthy":             {"healthy"},
		"/-/ready":               {"ready"},
		"/nothing":               {"404"},
		"/debug/pprof/goroutine": {"goroutine profile: total", "workspace.(*sdkCaller).do"},
		"/debug/pprof/heap":      {"heap profile"},
		"/debug/pprof/cmdline":   {"--config.file=" + config},
		"/proc/PID/cmdline":      {"--config.file=" + config},
		"refused":                {"Unauthorized"},
		"SIGQUIT":                {"SIGQUIT: quit", "goroutine 1 ", "workspace.(*sdkCaller).do"},
		"stdout":                 {"\n"},
	})
	v.checkUsed()
}

// checkPlaces scans each place for secrets, and checks that it has the markers:
// an empty place proves nothing.
func (v *leakTest) checkPlaces(places map[string]string, markers map[string][]string) {
	v.Helper()
	for place, text := range places {
		if found := v.scan(text); len(found) > 0 {
			at := max(0, strings.Index(strings.ToLower(text), strings.ToLower(found[0])))
			v.Errorf("%s contains %q: …%q…", place, found, text[max(0, at-300):min(len(text), at+100)])
		}
		if _, ok := markers[place]; !ok {
			v.Errorf("%s has no markers", place)
		}
	}
	for place, all := range markers {
		for _, marker := range all {
			if !slices.ContainsFunc(strings.Split(marker, "|"), func(m string) bool { return strings.Contains(places[place], m) }) {
				v.Errorf("%s does not contain %q\n%s", place, marker, places[place][max(0, len(places[place])-3000):])
			}
		}
	}
}

// checkUsed checks that the exporter has used the secrets.
func (v *leakTest) checkUsed() {
	v.Helper()
	seen, tokens := map[string]bool{}, map[string]bool{}
	for _, call := range v.cloud.Calls() {
		seen[call.AccessKey] = true
		tokens[call.Header.Get("X-Security-Token")] = true
		if strings.HasPrefix(call.AccessKey, "HST") {
			seen[call.Project] = true
		}
	}
	for _, access := range append(v.wanted, "AKCANARYUNKNOWN", v.project["oidc"], v.project["pod"]) {
		if !seen[access] {
			v.Errorf("%s was never used", access)
		}
	}
	for _, token := range []string{"CANARYINLINETOKEN", "CANARYROTATEDTOKEN", "CANARYFILESTOKEN", "CANARYENVIRONMENTTOKEN", "CANARYPROFILETOKEN", "CANARYACCOUNTTOKEN", "CANARYOLDTOKEN"} {
		if !tokens[token] {
			v.Errorf("%s was never sent", token)
		}
	}
	v.hooks.mu.Lock()
	defer v.hooks.mu.Unlock()
	if secrets := "/CANARYHOOKPATH?key=CANARYHOOKQUERY Bearer CANARYHOOKTOKEN CANARYHOOKHEADER"; !v.hooks.received[secrets] {
		v.Errorf("the webhook receiver never got %q", secrets)
	}
	received := strings.Join(slices.Collect(maps.Keys(v.proxy.received)), "\n")
	for _, password := range []string{"scraper:CANARYPROXY/+ä", "scraper:CANARYENVPROXY"} {
		if !strings.Contains(received, base64.StdEncoding.EncodeToString([]byte(password))) {
			v.Errorf("the proxy never got %s", password)
		}
	}
}

// TestNoAgencyKeyLeaks is the same for the metadata service, which can only be
// simulated in memory.
func TestNoAgencyKeyLeaks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := apptest.Prepare(t, strings.Replace(apptest.OfficeYAML, "{access_key: AKOFFICE, secret_key: "+apptest.SecretKey+"}", "{source: ecs_agency}", 1), apptest.TwoDesktops()...)
		v := &leakTest{T: t}
		s.Cloud.AddFault(simulator.Fault{Operation: simulator.MetadataSecurityKey, RewriteBody: v.addIssued})
		s.Cloud.AddIssuer(simulator.Issuer{Source: simulator.SourceAgency, Lifetime: 10 * time.Minute})
		s.Start()
		places := map[string]string{}
		look := func() {
			for _, path := range []string{"/metrics", "/status", "/config", "/"} {
				places[path] += s.Get(path)
			}
		}
		look()
		for _, fault := range leakFaults() {
			heal := s.Cloud.AddFault(fault)
			for range 20 {
				look()
				time.Sleep(time.Minute)
			}
			heal()
			time.Sleep(time.Hour)
			look()
		}
		s.WantDesktops(apptest.TwoDesktopsOK)
		places["log"] = s.Log.String()
		v.checkPlaces(places, map[string][]string{
			"log":      {"HTTP 401", "HTTP 403", "Project refresh recovered", "no credentials"},
			"/metrics": {`code="401"`},
			"/status":  {"What to do"},
			"/config":  {"source: ecs_agency"},
			"/":        {"/probe"},
		})
		if n := s.Cloud.CallCount(simulator.MetadataSecurityKey); n < 10 || len(v.secrets) < 30 {
			t.Errorf("%d keys were issued, %d texts locked away", n, len(v.secrets))
		}
	})
}
