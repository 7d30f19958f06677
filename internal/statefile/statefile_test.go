// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/changes"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/refresh"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/webhook"
)

var update = flag.Bool("update", false, "update the golden file")

// sample returns a state in which every field of every record is set somewhere.
func sample() *State {
	at := func(minute int) time.Time { return time.Date(2026, 1, 31, 8, minute, 0, 123456789, time.UTC) }
	networks := func(n string) *inventory.Networks {
		return &inventory.Networks{Name: "net" + n, IP: "10.0.0." + n, Interfaces: []inventory.Interface{{
			PortID: "port" + n, PrivateIP: "10.0.0." + n,
			VPC:            inventory.VPC{ID: "v1", Name: "main <vpc>", CIDR: "10.0.0.0/8"},
			Subnet:         inventory.Subnet{ID: "s1", Name: "floor", CIDR: "10.0.0.0/24"},
			EIP:            inventory.EIP{ID: "e" + n, Address: "1.1.1." + n},
			SecurityGroups: []inventory.SecurityGroup{{ID: "g1", Name: "web"}, {ID: "g2"}},
		}, {PrivateIP: "10.0.1." + n, GroupsUnknown: true}}}
	}
	project := inventory.Project{Name: "office", Region: "la-north-2", ID: "p1"}
	shared := networks("1")
	change := inventory.Change{Time: at(1), Project: project, DesktopID: "d1", DesktopName: "ana", Kind: inventory.Renamed, Before: "a", After: "b"}
	return &State{
		SavedAt: at(0),
		Projects: map[string]refresh.State{
			"office key": {
				Project: project, SavedAt: at(2), ListComplete: true, ListFailedAt: at(3), LastSuccess: at(4),
				Desktops: []refresh.DesktopState{
					{
						Desktop: inventory.Desktop{
							ID: "d1", Name: "ana", IP: "10.0.0.1", SubnetID: "s1", EnterpriseProjectID: "ep", PoolID: "pool",
							AvailabilityZone: "az1", Type: "DEDICATED", Status: "ACTIVE", TaskStatus: "rebooting",
							Tags: []inventory.Tag{{Key: "k", Value: "v"}}, Users: []string{"ana", "bob"},
						},
						Networks: shared, ReadAt: at(5), FailedAt: at(6), MissingSince: at(7),
						ChangeSuspected: true, ListedEIPs: "1.1.1.1", EIPListKnown: true,
					},
					{Desktop: inventory.Desktop{ID: "d2"}, Networks: &inventory.Networks{}},
					{Desktop: inventory.Desktop{ID: "d3"}},
				},
			},
			"other key": {SavedAt: at(2)},
		},
		Changes: changes.State{
			Scopes: []changes.ScopeState{{
				Region: "la-north-2", ProjectID: "p1", Filter: "c", LastSeen: at(8), Complete: true,
				Desktops: []changes.DesktopState{
					{ID: "d0", Name: "gone", Networks: networks("2")},
					{ID: "d1", Name: "ana", Listed: true, Networks: shared},
					{ID: "d2"},
				},
			}, {}},
			Counts:  []changes.ProjectCounts{{Region: "la-north-2", ProjectID: "p1", Kinds: map[inventory.ChangeKind]uint64{inventory.Renamed: 3, inventory.Vanished: 1 << 60}}},
			Changes: []inventory.Change{change, {Kind: inventory.Vanished}},
		},
		Webhook: webhook.State{Waiting: []webhook.Event{{ID: "process-1", Change: change}}},
	}
}

// encoded returns the bytes of a state file.
func encoded(t testing.TB, s *State) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := encode(&file, s); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// fileOf returns a state file with these records and a valid checksum.
func fileOf(records string) []byte {
	var file bytes.Buffer
	file.WriteString(header + version + "\n")
	compressor := gzip.NewWriter(&file)
	_, _ = io.WriteString(compressor, records)
	_ = compressor.Close()
	return sealed(file.Bytes())
}

// sealed appends a checksum.
func sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(slices.Clone(body), sum[:]...)
}

func readBytes(data []byte) (State, error) { return read(bytes.NewReader(data), int64(len(data))) }

func TestRoundTrip(t *testing.T) {
	got, err := readBytes(encoded(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*sample(), got); diff != "" {
		t.Errorf("(-written +read)\n%s", diff)
	}
	if got.Changes.Scopes[0].Desktops[1].Networks != got.Projects["office key"].Desktops[0].Networks {
		t.Error("networks that were shared are read twice")
	}
	one, other := got.Changes.Scopes[0].Desktops[0].Networks.Interfaces[0].VPC, got.Changes.Scopes[0].Desktops[1].Networks.Interfaces[0].VPC
	if unsafe.StringData(one.Name) != unsafe.StringData(other.Name) {
		t.Error("equal texts of desktops take memory twice")
	}
	empty, err := readBytes(encoded(t, &State{}))
	if err != nil || len(empty.Projects) != 0 || !empty.SavedAt.IsZero() {
		t.Errorf("an empty state is read as %+v (%v)", empty, err)
	}
}

// TestWriteAndRead asserts that the file replaces another one and is readable by
// its owner only.
func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	if _, err := Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is %v (%v)", info.Mode(), err)
	}
	got, err := Read(path)
	if diff := cmp.Diff(*sample(), got); diff != "" || err != nil {
		t.Errorf("%v (-written +read)\n%s", err, diff)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("the folder also contains %v (%v)", left, err)
	}
}

func TestReadRefuses(t *testing.T) {
	good := encoded(t, sample())
	state := `{"state":{"saved_at":"2026-01-31T08:00:00Z"}}` + "\n"
	project, scope := state+`{"project":{"key":"k"}}`+"\n", state+`{"scope":{}}`+"\n"
	for _, tt := range []struct {
		name string
		data []byte
		err  error
		text string
	}{
		{"empty", nil, ErrDamaged, "truncated"},
		{"another file", []byte("projects:\n"), ErrNotStateFile, ""},
		{"a shorter file", []byte("x"), ErrNotStateFile, ""},
		{"only the magic", []byte(header), ErrDamaged, "header is truncated"},
		{"only the header", []byte(header + version + "\n"), ErrDamaged, "truncated"},
		{"cut off", good[:len(good)-1], ErrDamaged, "checksum"},
		{"longer", append(slices.Clone(good), 0), ErrDamaged, "checksum"},
		{"one bit", slices.Concat(good[:len(good)/2], []byte{good[len(good)/2] ^ 1}, good[len(good)/2+1:]), ErrDamaged, "checksum"},
		{"version 1, which was gob", sealed([]byte(header + "1\n...")), nil, `version "1", this exporter reads version 2`},
		{"a later version", bytes.Replace(good, []byte("state 2\n"), []byte("state 3\n"), 1), nil, `version "3", this exporter reads version 2`},
		{"a version that is too long", bytes.Replace(good, []byte("state 2\n"), []byte("state 22222222222222\n"), 1), ErrDamaged, "header"},
		{"no gzip", sealed([]byte(header + version + "\nnothing that is gzip")), ErrDamaged, "gzip"},
		{"no record", fileOf(""), ErrDamaged, "record 1"},
		{"no JSON", fileOf("hello\n"), ErrDamaged, "record 1"},
		{"an empty line", fileOf(state + "\n"), ErrDamaged, "record 2"},
		{"half a record", fileOf(strings.TrimSuffix(state, "\n")), ErrDamaged, "record 1"},
		{"no state", fileOf(`{"project":{"key":"k"}}` + "\n"), ErrDamaged, "first record"},
		{"two states", fileOf(state + state), ErrDamaged, "first record"},
		{"a wrong type", fileOf(project + `{"desktop":{"id":1}}` + "\n"), ErrDamaged, "record 3"},
		{"an invalid time", fileOf(`{"state":{"saved_at":"yesterday"}}` + "\n"), ErrDamaged, "record 1"},
		{"a desktop without a project", fileOf(state + `{"desktop":{"id":"a"}}` + "\n"), ErrDamaged, "without a project"},
		{"desktops in no order", fileOf(project + `{"desktop":{"id":"b"}}` + "\n" + `{"desktop":{"id":"a"}}` + "\n"), ErrDamaged, "order"},
		{"a desktop twice", fileOf(project + `{"desktop":{"id":"a"}}` + "\n" + `{"desktop":{"id":"a"}}` + "\n"), ErrDamaged, "order"},
		{"a project twice", fileOf(project + `{"project":{"key":"k"}}` + "\n"), ErrDamaged, "twice"},
		{"a scope_desktop without a scope", fileOf(state + `{"scope_desktop":{"id":"a"}}` + "\n"), ErrDamaged, "without a scope"},
		{"a scope_desktop twice", fileOf(scope + `{"scope_desktop":{"id":"a"}}` + "\n" + `{"scope_desktop":{"id":"a"}}` + "\n"), ErrDamaged, "order"},
		{"networks that do not exist", fileOf(scope + `{"scope_desktop":{"id":"a","networks_index":0}}` + "\n"), ErrDamaged, "networks_index"},
		{"networks before the first", fileOf(scope + `{"scope_desktop":{"id":"a","networks_index":-1}}` + "\n"), ErrDamaged, "networks_index"},
		{"a count that is too large", fileOf(state + `{"change_counts":{"counts":{"renamed":1e30}}}` + "\n"), ErrDamaged, "record 2"},
		{"a negative count", fileOf(state + `{"change_counts":{"counts":{"renamed":-1}}}` + "\n"), ErrDamaged, "record 2"},
		{"deep nesting", fileOf(state + `{"scope":{"more":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}}\n"), ErrDamaged, "record 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := readBytes(tt.data)
			if err == nil || !strings.Contains(err.Error(), tt.text) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("the error is %v", err)
			}
			if !s.SavedAt.IsZero() || len(s.Projects) > 0 {
				t.Errorf("and yet a state: %+v", s)
			}
		})
	}
}

// TestUnknownFields asserts that fields and records which a later exporter adds
// to this version of the format are ignored.
func TestUnknownFields(t *testing.T) {
	s, err := readBytes(fileOf(`{"state":{"saved_at":"2026-01-31T08:00:00Z","more":{}}}` + "\n" + `{"more":{"a":[1]}}` + "\n{}\n"))
	if err != nil || s.SavedAt.IsZero() {
		t.Errorf("read: %+v (%v)", s, err)
	}
}

// TestSimilarDesktops asserts that what is written can be read, however well it
// compresses.
func TestSimilarDesktops(t *testing.T) {
	project := refresh.State{Desktops: make([]refresh.DesktopState, 20_000)}
	for i := range project.Desktops {
		project.Desktops[i].Desktop.ID = fmt.Sprintf("%05d", i)
		project.Desktops[i].Networks = &inventory.Networks{Interfaces: make([]inventory.Interface, 20)}
	}
	data := encoded(t, &State{Projects: map[string]refresh.State{"p": project}})
	s, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(project, s.Projects["p"]); diff != "" {
		t.Error(diff)
	}
	if !bytes.HasSuffix(data[:len(data)-sha256.Size], make([]byte, 64)) {
		t.Error("the file is not padded: make the desktops more similar")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(encoded(f, sample()), false)
	f.Add([]byte(`{"state":{"saved_at":"2026-01-31T08:00:00Z"}}`+"\n"+`{"project":{"key":"k"}}`+"\n"+`{"desktop":{"id":"a","networks":{}}}`+"\n"), true)
	f.Add([]byte(`{"state":{}}`+"\n"+`{"scope":{}}`+"\n"+`{"scope_desktop":{"id":"a","networks_index":1}}`+"\n"), true)
	f.Add([]byte(header+version+"\n"+strings.Repeat("x", 64)), false)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, data []byte, records bool) {
		if records {
			data = fileOf(string(data))
		}
		s, err := readBytes(data)
		if err != nil {
			if !s.SavedAt.IsZero() || len(s.Projects) > 0 {
				t.Errorf("an error and a state: %+v", s)
			}
			return
		}
		again, err := readBytes(encoded(t, &s))
		if err != nil {
			t.Fatalf("what was read cannot be written and read: %v", err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Error(diff)
		}
	})
}
