// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import (
	"strings"
	"testing"
)

func TestError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]ErrorBody{
		`{"error_code":"WKS.1","error_msg":"m","error_detail":"d","encoded_authorization_message":""}`: {Code: "WKS.1"},
		`{"error_code":"WKS.1","error_msg":"","encoded_authorization_message":"abc"}`:                  {Code: "WKS.1", EncodedMessage: true},
		`{"error_msg":"m","error_code":"APIGW.0301","request_id":"0123-ab_C.d"}`:                       {Code: "APIGW.0301", RequestID: "0123-ab_C.d"},
		`{"error":{"code":401,"message":"m","title":"t"}}`:                                             {},
		`{"error":{"code":"IAM.1","message":"m"}}`:                                                     {Code: "IAM.1"},
		`{"code":"APIGW.2","message":"m"}`:                                                             {Code: "APIGW.2"},
		`{"error_code":"first","code":"second"}`:                                                       {Code: "first"},
		`{"error":"text","error_code":"X.1"}`:                                                          {Code: "X.1"},
		`{"error_code":7,"request_id":{}}`:                                                             {},
		`{"error_code":"two words"}`:                                                                   {},
		`{"error_code":"` + strings.Repeat("x", 65) + `"}`:                                             {},
		`{"request_id":"<script>"}`:                                                                    {},
		`{"error_code":"cut","request_id":"`:                                                           {Code: "cut"},
		`[]`:                                                                                           {},
		`null`:                                                                                         {},
		`<html>`:                                                                                       {},
		``:                                                                                             {},
	} {
		if got := Error([]byte(body)); got != want {
			t.Errorf("%s: %+v, want %+v", body, got, want)
		}
	}
}
