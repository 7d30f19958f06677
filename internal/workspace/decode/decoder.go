// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import "errors"

// The reasons for dropping a part of a response: values of the label reason of
// the metric of dropped objects.
const (
	ReasonNullElement            = "null_element"
	ReasonMalformedField         = "malformed_field"
	ReasonMalformedDesktop       = "malformed_desktop"
	ReasonMalformedEIP           = "malformed_eip"
	ReasonNoDesktopID            = "desktop_without_id"
	ReasonNoSecurityGroupID      = "security_group_without_id"
	ReasonEmptyInterface         = "empty_interface"
	ReasonDuplicateDesktop       = "duplicate_desktop"
	ReasonDuplicateInterface     = "duplicate_interface"
	ReasonDuplicateSecurityGroup = "duplicate_security_group"
	ReasonNoInterfaces           = "desktop_without_network_infos"
	ReasonNotRequested           = "desktop_not_asked_for"
	ReasonMalformedProject       = "malformed_project"
	ReasonNoProjectID            = "project_without_id"
)

// ErrNoList is the error of a response that lacks its list. An empty list is
// valid, but a missing one must not look like a project without desktops.
var ErrNoList = errors.New("response has no list")

// Counts are the parts of one response that were dropped or changed.
type Counts struct {
	Dropped     map[string]int // dropped parts, by reason; nil if there are none
	InvalidUTF8 int            // strings in which invalid UTF-8 was replaced
}

// Drop adds n dropped parts.
func (c *Counts) Drop(reason string, n int) {
	if n == 0 {
		return
	}
	if c.Dropped == nil {
		c.Dropped = map[string]int{}
	}
	c.Dropped[reason] += n
}

// decoder is the state of decoding one response.
type decoder struct {
	scanner
	counts  Counts
	strings interner
}

func newDecoder(body []byte) *decoder { return &decoder{scanner: scanner{data: body}} }

// finish returns the error of the decoded document. The document must be
// complete up to the end of its outermost value. Like the SDK, the decoder
// ignores any bytes after it.
func (d *decoder) finish(found bool) error {
	if d.err != nil {
		return d.err
	}
	d.counts.Drop(ReasonMalformedField, d.mismatches)
	d.counts.InvalidUTF8 += d.invalidUTF8
	if !found {
		return ErrNoList
	}
	return nil
}

// Extent is what a response states about the completeness of its list.
type Extent struct {
	Size       int    // elements of the list, dropped ones included
	Total      int    // total_count; -1 if it is absent, null or unreadable
	Next       string // URL of the next page; "" if there is none
	Truncated  bool   // the list has more elements than the response
	Unreadable bool   // one of these is present but unreadable: the list may be incomplete
}

// readList calls readElement for each element of the named list in the
// outermost object.
func (d *decoder) readList(name string, readElement func()) (Extent, error) {
	e := Extent{Total: -1}
	found := false
	if d.peek() != kindObject {
		if len(d.data) == 0 {
			return e, ErrTruncated
		}
		d.skip()
		return e, d.finish(false)
	}
	for ok := d.enterObject(); ok && d.nextMember(); {
		switch string(d.key) {
		case name:
			if d.peek() != kindArray {
				d.skip()
				continue
			}
			found = true
			for ok := d.enterArray(); ok && d.nextElement(); {
				e.Size++
				readElement()
			}
		case "total_count":
			d.readTotal(&e)
		case "truncated":
			truncated, ok := d.readBool()
			e.Truncated = e.Truncated || truncated
			e.Unreadable = e.Unreadable || !ok
		case "links":
			before := d.mismatches
			for ok := d.enterObject(); ok && d.nextMember(); {
				if string(d.key) == "next" {
					e.Next = d.readString(nil)
				} else {
					d.skip()
				}
			}
			e.Unreadable = e.Unreadable || d.mismatches > before
		default:
			d.skip()
		}
	}
	return e, d.finish(found)
}

// readTotal reads total_count. A second one must agree with the first.
func (d *decoder) readTotal(e *Extent) {
	total, ok := d.readCount()
	e.Unreadable = e.Unreadable || !ok || e.Total >= 0 && total != e.Total
	e.Total = total
}

// enterElement enters an element that must be an object. It drops any other
// element for the given reason.
func (d *decoder) enterElement(reason string) bool {
	switch d.peek() {
	case kindObject:
		return d.enterObject()
	case kindNull:
		d.counts.Drop(ReasonNullElement, 1)
	default:
		d.counts.Drop(reason, 1)
	}
	d.skip()
	return false
}
