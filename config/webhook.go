// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ReadURL returns the URL that changes are sent to. If it is in a file, every
// call reads the file again. No error quotes the URL, which may be a secret.
func (w *Webhook) ReadURL() (string, error) {
	if w.URLFile == "" {
		return w.URL.Reveal(), nil // validated by Load
	}
	const key = "changes.webhook.url_file"
	text, err := readSecretKey(key, w.URLFile)
	if err != nil {
		return "", err
	}
	k := checker{errorList: newErrorList("")}
	k.webhookURL(key, text)
	if len(k.errors) > 0 {
		return "", fmt.Errorf("%s: %s: %s", key, w.URLFile, k.errors[0].Message)
	}
	return text, nil
}

// ReadHeader returns the headers of a request, Authorization included. If its
// credentials are in a file, every call reads the file again. No error quotes a
// value.
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
			return nil, fmt.Errorf("%s: %s: %s", key, a.CredentialsFile, invalidHeaderValue)
		}
		header.Set("Authorization", a.Type+" "+text)
	}
	return header, nil
}

// readSecretKey reads the file that a key is set to.
func readSecretKey(key, file string) (string, error) {
	text, err := readSecretFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", key, file, err)
	}
	return text, nil
}

// readSecretFile reads a file that must not be empty, and trims white space. Its
// errors do not contain the path.
func readSecretFile(file string) (string, error) {
	data, err := readFile(file)
	text := strings.TrimSpace(string(data))
	if err == nil && text == "" {
		err = errors.New("file is empty; write the secret into it")
	}
	return text, err
}

const invalidHeaderValue = "contains a line break or another control character; copy it again"

func isValidHeaderValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
