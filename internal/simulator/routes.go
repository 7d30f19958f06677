// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"strings"
)

// The operations, with the names of the SDK if it has one. Faults and counters use
// them.
const (
	ListDesktops        = "ListDesktops"
	ShowDesktopNetworks = "ShowDesktopNetworks"
	ListDesktopsEips    = "ListDesktopsEips"

	KeystoneListProjects     = "KeystoneListProjects"
	KeystoneListAuthProjects = "KeystoneListAuthProjects"

	CreateTokenWithIDToken          = "CreateTokenWithIdToken"
	CreateTemporaryAccessKeyByToken = "CreateTemporaryAccessKeyByToken"
	MetadataToken                   = "MetadataToken"
	MetadataSecurityKey             = "MetadataSecurityKey"
	PodIdentity                     = "PodIdentity"
)

// PodIdentityPath is the path of CCE's pod identity service. The real one is in the
// environment of the pod.
const PodIdentityPath = "/pod-identity/credentials"

// route is an API of the cloud.
type route struct {
	method, path string // {project} matches one path segment
	operation    string
	permission   string // IAM action
	idsParameter string // query parameter with desktop IDs
	signed       bool
	keystone     bool // error bodies in the format of IAM
	serve        func(*Cloud, *http.Request, *request) response
}

// routes returns all APIs of the cloud.
func routes() []route {
	return []route{
		{
			method: http.MethodGet, path: "/v2/{project}/desktops", operation: ListDesktops,
			permission: "workspace:desktops:list", idsParameter: "desktop_id", signed: true, serve: (*Cloud).listDesktops,
		},
		{
			method: http.MethodGet, path: "/v2/{project}/desktops/networks", operation: ShowDesktopNetworks,
			permission: "workspace:desktops:listDesktopNetworks", idsParameter: "desktop_ids", signed: true, serve: (*Cloud).showNetworks,
		},
		{
			method: http.MethodGet, path: "/v2/{project}/eips", operation: ListDesktopsEips,
			permission: "workspace:networks:listEips", idsParameter: "desktop_id", signed: true, serve: (*Cloud).listEIPs,
		},
		{
			method: http.MethodGet, path: "/v3/projects", operation: KeystoneListProjects,
			signed: true, keystone: true, serve: (*Cloud).listProjects,
		},
		{
			method: http.MethodGet, path: "/v3/auth/projects", operation: KeystoneListAuthProjects,
			signed: true, keystone: true, serve: (*Cloud).listProjects,
		},
		{
			method: http.MethodPost, path: "/v3.0/OS-AUTH/id-token/tokens", operation: CreateTokenWithIDToken,
			keystone: true, serve: (*Cloud).createToken,
		},
		{
			method: http.MethodPost, path: "/v3.0/OS-CREDENTIAL/securitytokens", operation: CreateTemporaryAccessKeyByToken,
			keystone: true, serve: (*Cloud).createTemporaryKey,
		},
		{method: http.MethodPut, path: "/meta-data/latest/api/token", operation: MetadataToken, serve: (*Cloud).metadataToken},
		{method: http.MethodGet, path: "/openstack/latest/securitykey", operation: MetadataSecurityKey, serve: (*Cloud).metadataKey},
		{method: http.MethodPost, path: PodIdentityPath, operation: PodIdentity, serve: (*Cloud).podIdentity},
	}
}

// findRoute returns the route of a call and the project in its path, or nil.
func (c *Cloud) findRoute(method, path string) (*route, string) {
	for i := range c.routes {
		r := &c.routes[i]
		if r.method != method {
			continue
		}
		if before, after, found := strings.Cut(r.path, "{project}"); found {
			project, ok := strings.CutPrefix(path, before)
			if project, ok2 := strings.CutSuffix(project, after); ok && ok2 && project != "" && !strings.Contains(project, "/") {
				return r, project
			}
		} else if path == r.path {
			return r, ""
		}
	}
	return nil, ""
}

// unauthorized returns the response to a failed authentication, in the format of the service.
func (r *route) unauthorized(reason, requestID string) response {
	if r.keystone {
		return keystoneError(http.StatusUnauthorized, "Unauthorized", reason)
	}
	return gatewayError(http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+reason, requestID)
}
