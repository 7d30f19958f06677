// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
	"net/url"
	"strconv"
)

// listProjects serves the projects that the key can access, or those with a name.
func (c *Cloud) listProjects(r *http.Request, x *request) response {
	name, named := x.query.Get("name"), x.query.Has("name")
	var found []Project
	for _, p := range c.Projects() {
		if x.key.canAccess(p.ID) && (!named || p.Name == name) {
			found = append(found, p)
		}
	}
	offset, limit, invalid := parsePage(x.query, 0)
	if invalid != "" {
		return badRequest(invalid)
	}
	page := paginate(found, x.effect, offset, limit)
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.key("links")
	e.open('{')
	if end := offset + len(page); end < len(found) && !x.effect.EmptyPage {
		next := url.Values{"offset": {strconv.Itoa(end)}}
		if named {
			next.Set("name", name)
		}
		e.stringField("next", "http://"+r.Host+r.URL.Path+"?"+next.Encode())
	} else {
		e.rawField("next", "null")
	}
	e.rawField("previous", "null")
	e.stringField("self", "http://"+r.Host+r.URL.Path)
	e.close('}')
	e.arrayField("projects")
	for _, p := range page {
		e.open('{')
		e.rawField("is_domain", "false")
		e.stringField("description", "")
		e.rawField("enabled", "true")
		e.stringField("id", p.ID)
		e.stringField("parent_id", domainID)
		e.stringField("domain_id", domainID)
		e.stringField("name", p.Name)
		e.close('}')
	}
	e.close(']')
	e.close('}')
	return response{status: http.StatusOK, body: e.buf, header: trace(x)}
}

// domainID is the ID of the account that owns all projects.
const domainID = "d0000000000000000000000000000001"

// trace returns the additional header of IAM.
func trace(x *request) http.Header {
	return http.Header{"X-Iam-Trace-Id": {"token_" + x.RequestID}}
}
