// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/app/apptest"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/simulator"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/testutil"
)

// TestMain runs the tests, or the exporter if a test started this binary as the
// exporter.
func TestMain(m *testing.M) {
	if os.Getenv(runAsExporter) != "" {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

const runAsExporter = "HUAWEICLOUD_WORKSPACE_EXPORTER_TEST_BE_THE_EXPORTER"

// process is the exporter, on real sockets.
type process struct {
	*testing.T
	urls           []string
	stdout, stderr testutil.Buffer
	stop           context.CancelFunc
	code           chan int
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// startProcess runs the exporter inside the test binary until the test ends, and
// waits until it listens on a number of addresses.
func startProcess(t *testing.T, addresses int, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &process{T: t, stop: cancel, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, args, &r.stdout, &r.stderr) }()
	t.Cleanup(func() {
		cancel()
		if code := r.wait(); code != 0 {
			t.Errorf("exit code %d\n%s", code, r.stderr.String())
		}
	})
	r.eventually("listening", func() bool {
		found := listening.FindAllStringSubmatch(r.stderr.String(), -1)
		for _, m := range found[min(len(found), len(r.urls)):] {
			r.urls = append(r.urls, "http://"+m[1])
		}
		return len(r.urls) >= addresses
	})
	return r
}

// wait returns the exit code.
func (r *process) wait() int {
	r.Helper()
	select {
	case code := <-r.code:
		r.code <- code // for later calls
		return code
	case <-time.After(30 * time.Second):
		r.Fatalf("the exporter has not exited:\n%s", r.stderr.String())
		return -1
	}
}

// eventually waits until ok returns true.
func (r *process) eventually(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("not %s:\n%s", what, r.stderr.String())
		}
	}
}

// runProcess runs the program until it exits.
func runProcess(args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(context.Background(), args, &out, &err)
	return code, out.String(), err.String()
}

// newClient returns a client whose connections are closed when the test ends.
func newClient(t *testing.T, change func(*http.Transport)) *http.Client {
	transport := &http.Transport{}
	if change != nil {
		change(transport)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// httpResponse is a response with its body read.
type httpResponse struct {
	*http.Response
	body string
}

func fetch(t *testing.T, c *http.Client, method, url string, header ...string) httpResponse {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Body.Close() }()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return httpResponse{w, string(body)}
}

// startCloud starts a simulated cloud on a loopback port and returns a
// configuration of its project.
func startCloud(t *testing.T) (cloud *simulator.Cloud, yaml string) {
	t.Helper()
	cloud = simulator.New(simulator.Options{})
	cloud.AddProject(simulator.Project{ID: apptest.ProjectA, Region: "la-north-2"})
	cloud.AddKey(simulator.Key{AccessKey: "AKOFFICE", SecretKey: apptest.SecretKey})
	cloud.SetDesktops(apptest.ProjectA, apptest.TwoDesktops())
	url, stop, err := cloud.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cloud.Close()
		stop()
	})
	return cloud, strings.ReplaceAll(apptest.OfficeYAML, "http://127.0.0.1", url)
}

// certAuthority is a certificate authority.
type certAuthority struct {
	t      *testing.T
	folder string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func newCertAuthority(t *testing.T) *certAuthority {
	t.Helper()
	a := &certAuthority{t: t, folder: t.TempDir()}
	a.cert, a.key = nil, nil
	a.sign("ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign writes NAME.pem and NAME.key. The first certificate is the authority's own.
func (a *certAuthority) sign(name string, template *x509.Certificate) (certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	a.serial++
	template.SerialNumber = big.NewInt(a.serial)
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			a.t.Fatal(err)
		}
		a.key = key
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.folder, name+".pem"), filepath.Join(a.folder, name+".key")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		testutil.ReplaceFile(a.t, path, string(pem.EncodeToMemory(block)))
	}
	return certFile, keyFile
}

func (a *certAuthority) serverCertificate() (certFile, keyFile string) {
	return a.sign("server", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
}

func (a *certAuthority) clientCertificate() (certFile, keyFile string) {
	return a.sign("person", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (a *certAuthority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// freeAddress returns an unused address.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return fmt.Sprint(l.Addr())
}
