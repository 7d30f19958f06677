// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package release

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// images builds images without a daemon and without a registry, in a separate
// store.
type images struct {
	*testing.T
	folder string
}

// command returns a call of buildah. Its mount caches are in the store, too.
func (i *images) command(args ...string) *exec.Cmd {
	cmd := exec.Command("buildah", append([]string{
		"--storage-driver", "vfs", "--root", filepath.Join(i.folder, "store"), "--runroot", filepath.Join(i.folder, "run"),
	}, args...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(i.folder, "tmp"))
	return cmd
}

func (i *images) do(args ...string) string {
	i.Helper()
	return strings.TrimSpace(must(i.T, i.command(args...)))
}

// standIn creates a replacement for the Go image: this machine's programs are
// mounted into it, so it contains only links to them.
func (i *images) standIn(env ...string) {
	i.Helper()
	container := i.do("from", "scratch")
	root := i.do("mount", container)
	for link, target := range map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			i.Fatal(err)
		}
	}
	certificates := filepath.Join(root, "etc", "ssl", "certs", "ca-certificates.crt")
	for _, folder := range []string{filepath.Dir(certificates), filepath.Join(root, "root"), filepath.Join(root, "tmp")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			i.Fatal(err)
		}
	}
	data, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		i.Fatal(err)
	}
	if err := os.WriteFile(certificates, data, 0o644); err != nil {
		i.Fatal(err)
	}
	config := []string{"config"}
	for _, pair := range append([]string{
		"PATH=" + filepath.Join(runtime.GOROOT(), "bin") + ":/usr/bin:/bin", //nolint:staticcheck // the go that runs this test
		"HOME=/root", "GOPATH=/go", "GOTOOLCHAIN=local",
	}, env...) {
		config = append(config, "--env", pair)
	}
	i.do(append(config, container)...)
	i.do("unmount", container)
	i.do("commit", "--quiet", container, "docker.io/library/golang:1.26")
	i.do("rm", container)
}

// build builds the image for a platform and returns its configuration and the
// folder of its files.
func (i *images) build(platform string, mounts ...string) (config ociConfig, root string) {
	i.Helper()
	args := []string{
		"build", "--isolation", "chroot", "--pull-never", "--layers=false", "--format", "docker", "--platform", platform, "--tag", "exporter",
		"--build-arg", "BUILDPLATFORM=linux/" + runtime.GOARCH, // Debian's buildah takes the target's
		"--volume", "/usr:/usr:ro", "--volume", goEnv(i.T, "GOMODCACHE") + ":/go/pkg/mod:ro",
	}
	for _, m := range mounts {
		args = append(args, "--volume", m)
	}
	for _, pair := range testEnv() {
		args = append(args, "--build-arg", pair)
	}
	i.do(append(args, "..")...)
	var inspected struct{ Docker ociConfig }
	if err := json.Unmarshal([]byte(i.do("inspect", "exporter")), &inspected); err != nil {
		i.Fatal(err)
	}
	return inspected.Docker, i.do("mount", i.do("from", "--pull-never", "--platform", platform, "exporter"))
}

// ociConfig is the configuration of an image.
type ociConfig struct {
	Architecture string
	OS           string
	Config       struct {
		User         string
		ExposedPorts map[string]struct{}
		Env          []string
		Entrypoint   []string
		Cmd          []string
		Volumes      map[string]struct{}
		WorkingDir   string
		Labels       map[string]string
		Healthcheck  struct{ Test []string }
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(must(t, exec.Command("go", "env", name)))
}

// TestImage builds the image and runs its program as the image's user, in the
// image's root file system.
func TestImage(t *testing.T) {
	released(t)
	root(t)
	tool(t, "buildah")
	i := &images{t, t.TempDir()}
	if err := os.Mkdir(filepath.Join(i.folder, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.command("unmount", "--all").Run() })

	// This build uses no cache: another folder, another cache, the same bytes.
	i.standIn()
	config, files := i.build("linux/amd64")
	own, err := os.ReadFile(filepath.Join(unpacked(t, "linux-amd64"), program))
	if err != nil {
		t.Fatal(err)
	}
	inImage, err := os.ReadFile(filepath.Join(files, "bin", program))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(own, inImage) {
		t.Error("the binary of the image is not that of the archive")
	}

	docs := "usr/share/doc/" + program + "/"
	want := []string{
		"bin/" + program, "etc/ssl/certs/ca-certificates.crt",
		docs + "LICENSE", docs + "NOTICE", docs + "THIRD_PARTY_LICENSES",
	}
	if diff := gocmp.Diff(want, list(t, files)); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	checkConfig(t, config)
	runImage(t, config, files)

	// The other architecture uses the compiled packages.
	i.standIn("GOCACHE=/cache")
	config, files = i.build("linux/arm64", goEnv(t, "GOCACHE")+":/cache")
	if config.Architecture != "arm64" || config.OS != "linux" {
		t.Errorf("for arm64: %s %s", config.OS, config.Architecture)
	}
	arm, err := os.ReadFile(filepath.Join(unpacked(t, "linux-arm64"), program))
	if err != nil {
		t.Fatal(err)
	}
	if inImage, err = os.ReadFile(filepath.Join(files, "bin", program)); err != nil || !bytes.Equal(arm, inImage) {
		t.Errorf("for arm64 the binary of the image is not that of the archive: %v", err)
	}
}

// list returns all files of a folder.
func list(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	if err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		names = append(names, strings.TrimPrefix(path, folder+"/"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func checkConfig(t *testing.T, config ociConfig) {
	t.Helper()
	c := config.Config
	for what, pair := range map[string][2]any{
		"architecture": {"amd64", config.Architecture},
		"user":         {"65532:65532", c.User},
		"ports":        {map[string]struct{}{"10045/tcp": {}}, c.ExposedPorts},
		"entry point":  {[]string{"/bin/" + program}, c.Entrypoint},
		"command":      {0, len(c.Cmd)},
		"volumes":      {0, len(c.Volumes)},
		"health check": {[]string{"CMD", "/bin/" + program, "--healthcheck"}, c.Healthcheck.Test},
	} {
		if diff := gocmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	for _, pair := range c.Env {
		if !strings.HasPrefix(pair, "PATH=") {
			t.Errorf("the environment has %s", pair)
		}
	}
	labels := map[string]string{}
	for name, value := range c.Labels {
		if short, found := strings.CutPrefix(name, "org.opencontainers.image."); found {
			labels[short] = value
		}
	}
	want := map[string]string{
		"title": program, "description": labels["description"], "url": homepage, "source": homepage,
		"documentation": homepage + "/tree/main/docs", "licenses": "Apache-2.0",
		"version": testVersion, "revision": testRevision, "created": testDate.Format(time.RFC3339),
	}
	if diff := gocmp.Diff(want, labels); diff != "" || labels["description"] == "" {
		t.Errorf("labels (-want +got)\n%s", diff)
	}
}

// runImage runs the entry point in the files of the image, scrapes it, and runs
// the health check as a container engine does.
func runImage(t *testing.T, config ociConfig, files string) {
	t.Helper()
	inside := func(args ...string) *exec.Cmd {
		cmd := exec.Command(config.Config.Entrypoint[0], args...)
		cmd.Dir, cmd.Env = "/", []string{"PATH=/bin"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: files, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
		return cmd
	}
	address := "--web.listen-address=" + free(t)
	check := append(slices.Clone(config.Config.Healthcheck.Test[2:]), address)
	if said, err := inside(check...).CombinedOutput(); err == nil {
		t.Errorf("it is healthy before it runs: %s", said)
	}
	begin(t, inside("--demo", address))
	host := strings.TrimPrefix(address, "--web.listen-address=")
	eventually(t, "healthy", 20*time.Millisecond, func() bool { return inside(check...).Run() == nil })
	if got := exported(host); got == "" {
		t.Error("it exports no desktops")
	}
	// The certificates of public CAs are readable.
	if info, err := os.Stat(filepath.Join(files, "etc/ssl/certs/ca-certificates.crt")); err != nil || info.Size() < 100_000 || info.Mode().Perm()&0o004 == 0 {
		t.Errorf("its certificates are not there for all to read: %v", err)
	}
}
