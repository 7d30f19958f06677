// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ReadURL gives the URL to send to, read again from the file that holds it. An
// error quotes nothing of the URL.
func (w *Webhook) ReadURL() (string, error) {
	if w.URLFile == "" {
		return w.URL.Reveal(), nil // was checked
	}
	const key = "changes.webhook.url_file"
	text, err := readSecretKey(key, w.URLFile)
	if err != nil {
		return "", err
	}
	k := checker{errorList: newErrorList("")}
	k.webhookURL(key, text)
	for _, fault := range k.errors {
		return "", fmt.Errorf("%s: %s %s", key, w.URLFile, fault.Message)
	}
	return text, nil
}

// ReadHeader gives the headers to send, among them the authorization, read again
// from the file that holds it. An error quotes none of their values.
func (w *Webhook) ReadHeader() (http.Header, error) {
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
		text, err := readSecretKey(key, a.CredentialsFile)
		if err != nil {
			return nil, err
		}
		if !isValidHeaderValue(text) {
			return nil, fmt.Errorf("%s: %s %s", key, a.CredentialsFile, invalidHeaderValue)
		}
		header.Set("Authorization", a.Type+" "+text)
	}
	return header, nil
}

// readSecretKey reads what a file holds for a key.
func readSecretKey(key, file string) (string, error) {
	text, err := readSecretFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %s %w", key, file, err)
	}
	return text, nil
}

// readSecretFile reads a text that must be there, without the space around it. Its
// errors do not repeat the path.
func readSecretFile(file string) (string, error) {
	data, err := readFile(file)
	text := strings.TrimSpace(string(data))
	if err == nil && text == "" {
		err = errors.New("is empty; write the secret into it")
	}
	return text, err
}

const invalidHeaderValue = "holds a line break or another control character; copy it again"

func isValidHeaderValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
