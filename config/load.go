// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFileSize is in bytes: enough for the IDs of a hundred thousand desktops.
const maxFileSize = 8 << 20

// Options contains what other packages know about valid values.
type Options struct {
	KnownRegion func(region string) bool // reports whether the SDK has an endpoint of the region; nil: not checked
	Families    []string                 // metric families for metrics.disable, without prefix; nil: not checked
}

// Load reads and validates the configuration file at path. The error is of type
// Errors and lists all that is invalid.
func Load(path string, options Options) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{File: path, Message: err.Error()}}
	}
	return Parse(path, data, options)
}

// Parse validates a configuration in memory, as Load does with a file. Errors
// refer to path, and relative paths are resolved against its directory.
func Parse(path string, data []byte, options Options) (*Config, error) {
	list := newErrorList(path)
	root, err := parseDocument(data)
	if err != nil {
		return nil, Errors{syntaxError(path, data, err)}
	}
	c := &Config{}
	c.setDefaults()
	list.decode(root, c)
	c.applyDerivedDefaults(filepath.Dir(path), list.isSet)
	check(c, list, options)
	if err := list.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// readFile reads a UTF-8 text file of at most maxFileSize. Its errors do not
// contain the path.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, readError(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	switch {
	case err != nil:
		return nil, readError(err)
	case len(data) > maxFileSize:
		return nil, fmt.Errorf("file is larger than %d MiB; check that it is the right file", maxFileSize>>20)
	case bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data):
		return nil, errors.New("file is not UTF-8 text; check that it is the right file")
	}
	return data, nil
}

// readError returns err without the path of the file.
func readError(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot read file: %w; check the path and the permissions", err)
}

var (
	errEmptyFile      = errors.New("file is empty; configure at least one project or account")
	errSecondDocument = errors.New("second YAML document; keep one document, and remove the rest")
)

// parseDocument returns the root node of the only YAML document in data.
func parseDocument(data []byte) (*yaml.Node, error) {
	yamlDecoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := yamlDecoder.Decode(&first)
	if errors.Is(err, io.EOF) || err == nil && first.Content[0].ShortTag() == "!!null" {
		return nil, errEmptyFile
	}
	if err != nil {
		return nil, err
	}
	if err := yamlDecoder.Decode(&second); err == nil {
		return nil, fmt.Errorf("line %d: %w", second.Line, errSecondDocument)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return first.Content[0], nil
}

var (
	yamlLine  = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)
	yamlAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError converts an error of parseDocument.
func syntaxError(path string, data []byte, err error) Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	e := Error{File: path}
	m := yamlLine.FindStringSubmatch(text)
	e.Line, _ = strconv.Atoi(m[1])
	text = text[len(m[0]):]
	if alias := yamlAlias.FindStringSubmatch(text); alias != nil {
		// The name is not quoted: it may be a secret without its quotes.
		e.Line = 1 + bytes.Count(data[:max(0, bytes.Index(data, []byte("*"+alias[1])))], []byte("\n"))
		e.Message = "alias (*name) without an anchor (&name); put a text that begins with an asterisk in quotes"
		return e
	}
	e.Message = text
	if !errors.Is(err, errEmptyFile) && !errors.Is(err, errSecondDocument) {
		// Package yaml reports the first line of the block with the error.
		e.Message = "invalid YAML in this or the following lines: " + text + "; check indentation, colons and quotes"
	}
	return e
}
