// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/credentials"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// newTestKeys returns a cache whose provider has the keys AK1, AK2, ..., one with
// each retrieval, up to last.
func newTestKeys(t *testing.T, last int) *credentials.Cache {
	t.Helper()
	n := 0
	pool := credentials.NewPool(credentials.Options{
		Now: time.Now,
		Getenv: func(name string) string {
			switch name {
			case config.EnvAccessKey:
				n = min(n+1, last)
				if n > 0 {
					return fmt.Sprintf("AK%d", n)
				}
			case config.EnvSecretKey:
				return "SK"
			}
			return ""
		},
		KeyRotated: func(_, _ string) {},
	})
	keys, release, err := pool.Get(&config.Credentials{Source: config.SourceEnvironment}, credentials.IAM{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return keys
}

func TestAuthenticator(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lastKey int
		results []result
		want    string // access keys of the requests
		failed  bool
	}{
		"accepted":                     {2, []result{success()}, "[AK1]", false},
		"another failure":              {2, []result{fail(inventory.Denied, 403)}, "[AK1]", true},
		"refused, and there is a key":  {2, []result{fail(inventory.Authentication, 401), success()}, "[AK1 AK2]", false},
		"refused twice":                {3, []result{fail(inventory.Authentication, 401)}, "[AK1 AK2]", true},
		"refused, without another key": {1, []result{fail(inventory.Authentication, 401)}, "[AK1]", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := &scriptedCaller{results: tt.results}
			c := &authenticator{next: next, keys: newTestKeys(t, tt.lastKey)}
			r := &request{}
			_, err := c.do(t.Context(), r)
			var got []string
			for _, call := range next.calls {
				got = append(got, call.key.AccessKey)
			}
			if fmt.Sprint(got) != tt.want || (err != nil) != tt.failed {
				t.Errorf("keys %v, error %v; want %s, failed %t", got, err, tt.want, tt.failed)
			}
			if r.key != nil {
				t.Error("the caller's request was modified")
			}
		})
	}
}

func TestAuthenticatorWithoutAKey(t *testing.T) {
	t.Parallel()
	next := &scriptedCaller{results: []result{success()}}
	c := &authenticator{next: next, keys: newTestKeys(t, 0)}
	_, err := c.do(t.Context(), &request{operation: operation{name: inventory.ListDesktops}})
	f, _ := errors.AsType[*inventory.Failure](err)
	if f == nil || f.Kind != inventory.Misconfigured || f.Operation != inventory.ListDesktops || len(next.calls) != 0 {
		t.Errorf("error %v, %d requests; want a failure of setup and no request", err, len(next.calls))
	}
	if _, ok := errors.AsType[*backoff.PermanentError](err); !ok {
		t.Errorf("error %v would be retried", err)
	}
}
