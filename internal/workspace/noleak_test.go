// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	promconfig "github.com/prometheus/common/config"
	"go.uber.org/goleak"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// refuseDial is a dialer that always fails.
func refuseDial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("refused by the test")
}

// logBuffer is a buffer that is safe for concurrent writes.
type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// TestNoSecretIsExposed configures known secrets everywhere, causes every kind of
// failure at log level debug, and searches the secrets in all logs and errors.
func TestNoSecretIsExposed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		secrets := []string{testAccess, testSecret, "TOKEN-canary", idToken, podToken, "PROXY-canary", "ENCODED", "SESSION", "SDK-HMAC-SHA256", "Signature="}
		var text logBuffer
		fx := newInMemoryFixture(t, simulator.Options{})
		fx.client.logger = log.NewLogfmtLogger(&text)
		fx.sim.AddKey(simulator.Key{AccessKey: testAccess, SecretKey: testSecret, SecurityToken: "TOKEN-canary", Deny: []string{inventory.ListDesktopsEips}})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourceOIDC, Provider: "idp", Token: idToken})
		fx.sim.AddIssuer(simulator.Issuer{Source: simulator.SourcePodIdentity, Token: podToken})
		fx.env = map[string]string{credentials.EnvPodIdentityURI: podURI, credentials.EnvPodTokenFile: write(t, dir, "pod", podToken)}
		ids := fx.setDesktops(120)

		static := config.Credentials{
			Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret), SecurityToken: config.NewSecret("TOKEN-canary"),
		}
		proxyURL, err := url.Parse("http://user:PROXY-canary@proxy.test:3128")
		if err != nil {
			t.Fatal(err)
		}
		var projects []*ProjectClient
		for _, c := range []config.Credentials{
			static,
			{Source: config.SourceStatic, AccessKey: testAccess, SecretKey: config.NewSecret(testSecret + "-wrong")},
			{Source: config.SourceOIDC, IDPID: "idp", IDTokenFile: write(t, dir, "id", idToken)},
			{Source: config.SourceOIDC, IDPID: "other", IDTokenFile: write(t, dir, "id2", idToken)},
			{Source: config.SourcePodIdentity},
			{Source: config.SourceProfile, ProfileFile: write(t, dir, "bad", "["+testSecret)},
		} {
			projects = append(projects,
				fx.project(func(p *config.Project) { p.Credentials = c }),
				fx.project(func(p *config.Project) { p.Credentials, p.ProjectID = c, "" }),
				fx.project(func(p *config.Project) {
					p.Credentials, p.HTTP.ProxyURL = c, promconfig.URL{URL: proxyURL}
				}))
		}
		var out []string
		call := func() {
			for _, p := range projects {
				_, err := p.ListDesktops(t.Context())
				out = append(out, fmt.Sprintf("%v %+v %#v", err, err, failureText(err)))
				_, err = p.ListEIPBindings(t.Context())
				out = append(out, fmt.Sprintf("%v %+v %#v", err, err, failureText(err)))
				a, err := p.ReadNetworks(t.Context(), ids[:100], true)
				out = append(out, fmt.Sprintf("%v %+v", err, failureText(err)))
				for _, f := range a.Unresolved {
					out = append(out, f.Error())
				}
			}
		}
		call()
		for _, f := range []simulator.Fault{
			{Status: 400},
			{Status: 401},
			{Status: 403},
			{Status: 404},
			{Status: 429},
			{Status: 500},
			{Status: 200},
			{Status: 302},
			{ResetConnection: true},
			{TruncateBody: true},
			{HangInBody: true},
			{Status: 401, Body: simulator.GatewayError("APIGW.0301", "ak "+testAccess+" canonicalRequest:GET|/v2", testSecret)},
			{Status: 400, Body: simulator.GatewayError(testAccess+" is bad", testSecret, testSecret+" here")},
			{Status: 403, Body: []byte("<html>" + testAccess + testSecret)},
		} {
			time.Sleep(30 * time.Minute) // the longest pause of a refused key
			remove := fx.sim.AddFault(f)
			call()
			remove()
		}
		output := text.String() + strings.Join(out, "\n")
		for _, secret := range secrets {
			if at := strings.Index(output, secret); at >= 0 {
				t.Errorf("%q shows: …%.200s…", secret, output[max(0, at-100):])
			}
		}
		if lines := strings.Count(text.String(), "msg=\"API call\""); lines < 100 {
			t.Errorf("%d lines in the log: the test proves little", lines)
		}
	})
}

func failureText(err error) any {
	if f, ok := errors.AsType[*inventory.Failure](err); ok {
		return *f
	}
	return nil
}

// TestCallLog compares the log of calls at level debug.
func TestCallLog(t *testing.T) {
	t.Parallel()
	var text logBuffer
	fx := newFixture(t, fixtureOptions{client: Options{Logger: log.NewLogfmtLogger(&text)}})
	fx.setDesktops(1)
	p := fx.project(nil)
	if _, err := p.ListDesktops(t.Context()); err != nil {
		t.Fatal(err)
	}
	fx.sim.AddFault(simulator.Fault{Status: 403, Times: 1})
	_, err := p.ListEIPBindings(t.Context())
	requireFailure(t, err)
	fx.sim.AddFault(simulator.Fault{ResetConnection: true})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = p.ListEIPBindings(ctx)
	requireFailure(t, err)
	want := regexp.MustCompile(`^level=debug msg="API call" project=test region=la-north-2 operation=ListDesktops status=200 duration=\S+ request_id=[0-9a-f]{32}
level=debug msg="API call" project=test region=la-north-2 operation=ListDesktopsEips status=403 duration=\S+ request_id=[0-9a-f]{32}
level=debug err="127\.0\.0\.1:\d+ [^"]+" msg="API call" project=test region=la-north-2 operation=ListDesktopsEips status=error duration=\S+ request_id=
`)
	if !want.MatchString(text.String()) {
		t.Errorf("log:\n%s", text.String())
	}
}

// TestNoResourceLeak makes thousands of calls with and without faults on real sockets, and
// compares goroutines, file descriptors and heap.
func TestNoResourceLeak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	fx := newFixture(t, fixtureOptions{simulator: simulator.Options{History: -1}})
	ids := fx.setDesktops(50)
	p := fx.project(func(c *config.Project) { c.Limits.RequestsPerMinute = 1_000_000 })
	for _, f := range []simulator.Fault{
		{ResetConnection: true, Probability: 0.05},
		{TruncateBody: true, Probability: 0.05},
		{HangAfterHeader: true, Probability: 0.02},
		{Status: 500, Probability: 0.1},
		{Status: 302, Probability: 0.05},
		{Status: 403, Probability: 0.05},
		{Status: 204, Probability: 0.05},
	} {
		fx.sim.AddFault(f)
	}
	call := func(n int) {
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				for j := range n / 8 {
					ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
					switch (i + j) % 3 {
					case 0:
						_, _ = p.ListDesktops(ctx)
					case 1:
						_, _ = p.ListEIPBindings(ctx)
					default:
						_, _ = p.ReadNetworks(ctx, ids, true)
					}
					cancel()
				}
			})
		}
		callers.Wait()
	}
	measure := func() (goroutines, descriptors int, heap uint64) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			files = nil // not on Linux
		}
		return runtime.NumGoroutine(), len(files), m.HeapAlloc
	}
	call(800)
	g1, d1, h1 := measure()
	call(3200)
	g2, d2, h2 := measure()
	t.Logf("goroutines %d, %d; descriptors %d, %d; heap %d, %d KiB", g1, g2, d1, d2, h1>>10, h2>>10)
	if g2 > g1+40 || d2 > d1+40 || h2 > h1+(2<<20) {
		t.Errorf("goroutines from %d to %d, descriptors from %d to %d, heap from %d to %d KiB", g1, g2, d1, d2, h1>>10, h2>>10)
	}
}
