// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

// EIPPage is the content of one response of ListDesktopsEips.
type EIPPage struct {
	Extent
	EIPs []BoundEIP
}

// BoundEIP is an element of the EIP list.
type BoundEIP struct {
	ID, Address string
	DesktopID   string // "": it is unbound, or bound to something else
}

// EIPs decodes a response of ListDesktopsEips. The error is [ErrTruncated],
// [ErrSyntax] or [ErrNoList].
func EIPs(body []byte) (EIPPage, Counts, error) {
	d := newDecoder(body)
	var p EIPPage
	var err error
	p.Extent, err = d.readList("eips", func() {
		if !d.enterElement(ReasonMalformedEIP) {
			return
		}
		var eip BoundEIP
		for d.nextMember() {
			switch string(d.key) {
			case "id":
				eip.ID = d.readString(nil)
			case "attached_desktop_id":
				eip.DesktopID = d.readString(nil)
			case "address":
				eip.Address = d.readString(nil)
			default:
				d.skip()
			}
		}
		p.EIPs = append(p.EIPs, eip)
	})
	return p, d.counts, err
}
