// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestReplacedKeysAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(time.Now)
		first := r.Limiter("op", "e", "key0")
		for i := range 1000 {
			time.Sleep(4 * time.Hour)
			from, to := fmt.Sprintf("key%d", i), fmt.Sprintf("key%d", i+1)
			r.Limiter("op", "e", from) // it stays in use
			r.KeyRotated(from, to)
			if r.Limiter("op", "e", to) != first || r.Limiter("op", "e", from) != first {
				t.Fatalf("%s does not share the quota of %s", to, from)
			}
		}
		if len(r.keys) > 10 {
			t.Errorf("%d of 1000 replaced keys are kept", len(r.keys))
		}
	})
}

func TestRotatedKeyKeepsItsQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := NewRegistry(time.Now)
		old := r.Limiter("op", "e", "A")
		if r.Limiter("op", "e", "A") != old || r.Limiter("op", "f", "A") == old || r.Limiter("other", "e", "A") == old || r.Limiter("op", "e", "B") == old {
			t.Error("there is not one limiter for each operation, endpoint and key")
		}
		if _, err := acquire(t.Context(), old, Request{Limit: 5, Urgent: true}, 0); err != nil {
			t.Fatal(err)
		}
		r.KeyRotated("A", "C")
		if r.Limiter("op", "e", "C") != old {
			t.Error("the new key does not continue with the quota of the old one")
		}
		time.Sleep(2 * window)
		r.Limiter("op", "e", "D") // a new key makes the registry drop unused ones
		if len(r.keys) != 1 || r.keys["D"] == nil {
			t.Errorf("%d quotas, want only that of the new key", len(r.keys))
		}
	})
}
