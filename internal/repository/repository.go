// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package repository answers where the repository's files are, for tests. Its own
// tests check the repository itself: imports, workflows, versions, dependencies.
package repository

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Root returns the path of the repository's root: the nearest folder, from the
// working directory upwards, that has the file LICENSE beside go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		_, licence := os.Stat(filepath.Join(dir, "LICENSE"))
		_, module := os.Stat(filepath.Join(dir, "go.mod"))
		if licence == nil && module == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not inside the repository")
		}
	}
}

// Chdir makes the repository's root the working directory. The TestMain of
// tests that read files of the repository calls it.
func Chdir() {
	dir, err := Root()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		panic(err)
	}
}

// CompareVersions compares versions such as 1.2.3, as cmp.Compare does.
func CompareVersions(a, b string) int { return slices.Compare(numbers(a), numbers(b)) }

func numbers(version string) (n []int) {
	for part := range strings.SplitSeq(version, ".") {
		i, _ := strconv.Atoi(part) // the caller's pattern allows only digits
		n = append(n, i)
	}
	return n
}
