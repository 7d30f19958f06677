// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Target gives the URL to send to, read again from the file that holds it. An
// error quotes nothing of the URL.
func (w *Webhook) Target() (string, error) {
	if w.URLFile == "" {
		return w.URL.Reveal(), nil // was checked
	}
	const key = "changes.webhook.url_file"
	text, err := secretText(key, w.URLFile)
	if err != nil {
		return "", err
	}
	k := checker{report: newReport("")}
	k.webhookURL(key, text)
	for _, fault := range k.faults {
		return "", fmt.Errorf("%s: %s %s", key, w.URLFile, fault.Text)
	}
	return text, nil
}

// Header gives the headers to send, among them the authorization, read again
// from the file that holds it. An error quotes none of their values.
func (w *Webhook) Header() (http.Header, error) {
	header := http.Header{}
	for name, value := range w.Headers {
		header.Set(name, value.Reveal())
	}
	a := &w.Authorization
	switch {
	case a.IsZero():
	case a.CredentialsFile == "":
		header.Set("Authorization", a.Type+" "+a.Credentials.Reveal())
	default:
		const key = "changes.webhook.authorization.credentials_file"
		text, err := secretText(key, a.CredentialsFile)
		if err != nil {
			return nil, err
		}
		if !fitsHeader(text) {
			return nil, fmt.Errorf("%s: %s %s", key, a.CredentialsFile, unfitForHeader)
		}
		header.Set("Authorization", a.Type+" "+text)
	}
	return header, nil
}

// secretText reads what a file holds for a key.
func secretText(key, file string) (string, error) {
	text, err := readSecret(file)
	if err != nil {
		return "", fmt.Errorf("%s: %s %w", key, file, err)
	}
	return text, nil
}

// readSecret reads a text that must be there, without the space around it. Its
// errors do not repeat the path.
func readSecret(file string) (string, error) {
	data, err := readFile(file)
	text := strings.TrimSpace(string(data))
	if err == nil && text == "" {
		err = errors.New("is empty; write the secret into it")
	}
	return text, err
}

const unfitForHeader = "holds a line break or another control character; copy it again"

func fitsHeader(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
