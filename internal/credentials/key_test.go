// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	k := NewKey("AK-canary", "SK-canary", "TOKEN-canary")
	for _, verb := range []string{"%v", "%+v", "%s", "%#v", "%q"} {
		if text := fmt.Sprintf(verb, k) + fmt.Sprintf(verb, *k) + fmt.Sprintf(verb, Cache{key: k}); strings.Contains(text, "canary") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}
