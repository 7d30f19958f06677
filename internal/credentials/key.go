// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"
)

// Key is an access key with which requests are signed. It is immutable.
type Key struct {
	// A pointer, because fmt does not follow pointers inside structs: however a
	// Key is printed, only an address comes out.
	*secretMaterial
	Expires time.Time // zero: never, as far as is known
}

type secretMaterial struct {
	AccessKey, SecretKey string
	SecurityToken        string // "": the key is permanent
}

// NewKey returns a key that does not expire.
func NewKey(accessKey, secretKey, securityToken string) *Key {
	return &Key{secretMaterial: &secretMaterial{accessKey, secretKey, securityToken}}
}

// Format prints a placeholder in place of the key.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "<key>") }

// Fingerprint identifies a key without containing it.
type Fingerprint [sha256.Size]byte

// Fingerprint returns the same value for equal keys.
func (k *Key) Fingerprint() Fingerprint {
	return sha256.Sum256([]byte(k.AccessKey + "\x00" + k.SecretKey + "\x00" + k.SecurityToken))
}
