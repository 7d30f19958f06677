// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package workspace

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/apierror"
	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/workspace/decode"
)

func TestDecoder(t *testing.T) {
	t.Parallel()
	body := func(status int, text string) result {
		return result{resp: &apierror.Response{Status: status, Body: []byte(text)}}
	}
	for name, tt := range map[string]struct {
		result    result
		decodeErr error
		want      inventory.FailureKind // where an error is wanted
		failed    bool
		decoded   bool
	}{
		"success":            {body(200, "{}"), nil, 0, false, true},
		"status 403":         {body(403, "{}"), nil, inventory.Denied, true, false},
		"error with 200":     {body(200, `{"error_code":"APIGW.0301"}`), decode.ErrNoList, inventory.Authentication, true, true},
		"without the list":   {body(200, "{}"), decode.ErrNoList, inventory.Malformed, true, true},
		"truncated":          {body(200, "{"), decode.ErrTruncated, inventory.Transient, true, true},
		"malformed":          {body(200, "x"), errors.New("malformed"), inventory.Malformed, true, true},
		"no response":        {result{err: context.DeadlineExceeded}, nil, inventory.Transient, true, false},
		"SDK cannot send it": {result{err: apierror.ErrSDK}, nil, inventory.Misconfigured, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoded := false
			c := &decoder{next: &scriptedCaller{results: []result{tt.result}}, host: "h", now: time.Now}
			resp, err := c.do(t.Context(), &request{operation: operation{name: inventory.ListDesktops}, decode: func([]byte) error {
				decoded = true
				return tt.decodeErr
			}})
			if resp != tt.result.resp || decoded != tt.decoded {
				t.Errorf("response %v, decoded %t; want that of the next caller, decoded %t", resp, decoded, tt.decoded)
			}
			if !tt.failed {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			if f := requireFailure(t, err); f.Kind != tt.want || f.Operation != inventory.ListDesktops {
				t.Errorf("failure %v, want %s", &f, tt.want)
			}
		})
	}
}
