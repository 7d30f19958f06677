// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"fmt"
	"net/http"
	"strconv"
)

// WorkspaceError returns an error body in the format of Workspace.
func WorkspaceError(code, message, detail, encoded string) []byte {
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.stringField("error_code", code)
	e.stringField("error_msg", message)
	e.stringField("error_detail", detail)
	e.stringField("encoded_authorization_message", encoded)
	e.close('}')
	return e.buf
}

// GatewayError returns an error body in the format of the API gateway. An empty
// requestID is omitted.
func GatewayError(code, message, requestID string) []byte {
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.stringField("error_msg", message)
	e.stringField("error_code", code)
	if requestID != "" {
		e.stringField("request_id", requestID)
	}
	e.close('}')
	return e.buf
}

// KeystoneError returns an error body in the format of IAM, whose code is a number.
func KeystoneError(status int, title, message string) []byte {
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.key("error")
	e.open('{')
	e.rawField("code", strconv.Itoa(status))
	e.stringField("message", message)
	e.stringField("title", title)
	e.close('}')
	e.close('}')
	return e.buf
}

func workspaceError(status int, code, message, detail, encoded string) response {
	return response{status: status, body: WorkspaceError(code, message, detail, encoded)}
}

func gatewayError(status int, code, message, requestID string) response {
	return response{status: status, body: GatewayError(code, message, requestID)}
}

func keystoneError(status int, title, message string) response {
	return response{status: status, body: KeystoneError(status, title, message)}
}

// badRequest returns the response to an invalid parameter.
func badRequest(detail string) response {
	return workspaceError(http.StatusBadRequest, "WKS.0001", "The request parameters are invalid.", detail, "")
}

// permissionDenied returns the response to a call without permission. The code is
// made up, because the real one is undocumented. So is the encoded message, whose
// content is sensitive once STS has decoded it.
func permissionDenied(x *request, action string) response {
	return workspaceError(http.StatusForbidden, "WKS.0403",
		fmt.Sprintf("Policy doesn't allow %s to be performed.", action),
		fmt.Sprintf("access key %s, project %s", x.AccessKey, x.Project),
		fmt.Sprintf("ENCODED-%s-%s", x.AccessKey, x.RequestID))
}

// throttled returns the gateway's response to calls above the quota.
func throttled(limit int, requestID string) response {
	return gatewayError(http.StatusTooManyRequests, "APIGW.0308",
		fmt.Sprintf("The throttling threshold has been reached: policy user over ratelimit,limit:%d,time:1 minute", limit), requestID)
}

// defaultBody returns the body that the real cloud sends with a status, for faults
// without Body.
func defaultBody(status int, requestID string) []byte {
	switch status {
	case http.StatusOK, http.StatusNoContent, http.StatusFound:
		return []byte{}
	case http.StatusBadRequest:
		return badRequest("").body
	case http.StatusUnauthorized:
		return GatewayError("APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail", requestID)
	case http.StatusForbidden:
		return WorkspaceError("WKS.0403", "Policy doesn't allow the operation to be performed.", "", "ENCODED-"+requestID)
	case http.StatusNotFound:
		return WorkspaceError("WKS.0202", "Resource not found.", "", "")
	case http.StatusConflict:
		return WorkspaceError("WKS.00010032", "The resource is being changed.", "", "")
	case http.StatusTooManyRequests:
		return throttled(200, requestID).body
	case http.StatusBadGateway:
		return GatewayError("APIGW.0201", "Backend unavailable", requestID)
	case http.StatusServiceUnavailable:
		return GatewayError("APIGW.0613", "IAM unavailable", requestID)
	case http.StatusGatewayTimeout:
		return GatewayError("APIGW.0201", "Backend timeout", requestID)
	default:
		return GatewayError("APIGW.0601", "Internal server error", requestID)
	}
}
