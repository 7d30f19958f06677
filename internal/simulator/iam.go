// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package simulator

import (
	"net/http"
)

// listProjects answers the projects that the key sees, all or those of a name.
func (c *Cloud) listProjects(r *http.Request, x *exchange) answer {
	name, named := x.query.Get("name"), x.query.Has("name")
	e := encoder{absent: WriteEmpty}
	e.open('{')
	e.key("links")
	e.open('{')
	e.raw("next", "null")
	e.raw("previous", "null")
	e.text("self", "http://"+r.Host+r.URL.Path)
	e.end('}')
	e.array("projects")
	for _, p := range c.Projects() {
		if !x.key.sees(p.ID) || named && p.Name != name {
			continue
		}
		e.open('{')
		e.raw("is_domain", "false")
		e.text("description", "")
		e.raw("enabled", "true")
		e.text("id", p.ID)
		e.text("parent_id", domainID)
		e.text("domain_id", domainID)
		e.text("name", p.Name)
		e.end('}')
	}
	e.end(']')
	e.end('}')
	return answer{status: http.StatusOK, body: e.buf, header: trace(x)}
}

// domainID is the account that owns all projects of the cloud.
const domainID = "d0000000000000000000000000000001"

// trace gives the header that IAM adds.
func trace(x *exchange) http.Header {
	return http.Header{"X-Iam-Trace-Id": {"token_" + x.RequestID}}
}
