// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import "strings"

// ProjectPage is the content of one response of IAM that lists projects.
type ProjectPage struct {
	Extent
	Projects []IAMProject
}

// IAMProject is a project as IAM lists it.
type IAMProject struct {
	ID, Name string
	Region   string // region ID, the part of the name before the first underscore
	Enabled  bool
}

// Projects decodes a response of KeystoneListProjects or
// KeystoneListAuthProjects. The error is [ErrTruncated], [ErrSyntax] or
// [ErrNoList].
func Projects(body []byte) (ProjectPage, Counts, error) {
	d := newDecoder(body)
	var page ProjectPage
	var err error
	page.Extent, err = d.readList("projects", func() {
		if !d.enterElement(ReasonMalformedProject) {
			return
		}
		p := IAMProject{Enabled: true}
		for d.nextMember() {
			switch string(d.key) {
			case "id":
				p.ID = d.readString(nil)
			case "name":
				p.Name = d.readString(nil)
			case "enabled":
				p.Enabled = d.peek() != kindBool || d.data[d.pos] == 't'
				d.skip()
			default:
				d.skip()
			}
		}
		if p.ID == "" {
			d.counts.Drop(ReasonNoProjectID, 1)
			return
		}
		// A project is named after its region. A sub-project appends its own name.
		p.Region, _, _ = strings.Cut(p.Name, "_")
		page.Projects = append(page.Projects, p)
	})
	return page, d.counts, err
}
