// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

import "github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"

// EIPBindings decodes a response of ListDesktopsEips into the EIP addresses of
// each desktop. The error is [ErrTruncated], [ErrSyntax] or [ErrNoList].
func EIPBindings(body []byte) (inventory.EIPBindings, Counts, error) {
	d := newDecoder(body)
	addresses := map[string][]string{}
	_, err := d.readList("eips", func() {
		if !d.enterElement(ReasonMalformedEIP) {
			return
		}
		var desktopID, address string
		for d.nextMember() {
			switch string(d.key) {
			case "attached_desktop_id":
				desktopID = d.readString(nil)
			case "address":
				address = d.readString(nil)
			default:
				d.skip()
			}
		}
		// An EIP without a desktop is unbound, or bound to something else.
		if desktopID != "" && address != "" {
			addresses[desktopID] = append(addresses[desktopID], address)
		}
	})
	if err != nil {
		return nil, d.counts, err
	}
	bindings := make(inventory.EIPBindings, len(addresses))
	for id, list := range addresses {
		bindings[id] = inventory.JoinAddresses(list)
	}
	return bindings, d.counts, nil
}
