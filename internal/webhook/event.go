// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"bytes"
	"encoding/json"
	"net/url"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/internal/inventory"
)

// Event is one change to be delivered.
type Event struct {
	ID string // unique, and the same for every delivery attempt
	inventory.Change
}

// cloudEvent is an Event in the JSON format of CloudEvents 1.0.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            string    `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            eventData `json:"data"`
}

type eventData struct {
	Region      string `json:"region"`
	ProjectID   string `json:"project_id"`
	Project     string `json:"project"`
	DesktopID   string `json:"desktop_id"`
	DesktopName string `json:"desktop_name"`
	Kind        string `json:"kind"`
	Before      string `json:"before"`
	After       string `json:"after"`
}

// encode returns the event as a CloudEvent in JSON.
func (e Event) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(cloudEvent{
		SpecVersion: "1.0", ID: e.ID,
		Source:          "/huaweicloud_workspace_exporter/" + url.PathEscape(e.Project.Region) + "/" + url.PathEscape(e.Project.ID),
		Type:            "com.huaweicloud.workspace.desktop." + string(e.Kind),
		Subject:         e.DesktopID,
		Time:            e.Time.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		DataContentType: "application/json",
		Data: eventData{
			Region: e.Project.Region, ProjectID: e.Project.ID, Project: e.Project.Name, DesktopID: e.DesktopID, DesktopName: e.DesktopName,
			Kind: string(e.Kind), Before: e.Before, After: e.After,
		},
	})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
