// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/ini.v1"

	"github.com/huaweicloud-exporters/huaweicloud_workspace_exporter/config"
)

// profileProvider has the key of the SDK's credentials file.
type profileProvider struct {
	*tokenClient
	path string // "": where the SDK looks for it
	stat string // of the file, when it was read
}

func (p *profileProvider) file() (string, error) {
	if p.path != "" {
		return p.path, nil
	}
	if path := p.getenv(config.EnvProfileFile); path != "" {
		return path, nil
	}
	home := p.getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("%s and HOME are not set", config.EnvProfileFile)
	}
	return filepath.Join(home, ".huaweicloud", "credentials"), nil
}

// Changed reports whether the file changed.
func (p *profileProvider) Changed() bool {
	path, err := p.file()
	return err == nil && files{path}.stat() != p.stat
}

// Retrieve reads the file. Like the SDK, it prefers an identity provider.
func (p *profileProvider) Retrieve(ctx context.Context) (*Key, error) {
	path, err := p.file()
	if err != nil {
		return nil, err
	}
	p.stat = files{path}.stat()
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	file, err := ini.Load(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not an INI file", path) // the parser's error quotes the line
	}
	// The SDK's chain reads this section, which inherits from [basic].
	section := file.Section("basic.credentials")
	value := func(name string) string { return section.Key(name).String() }
	if id, tokenFile := value("idp_id"), value("id_token_file"); id != "" && tokenFile != "" {
		c := *p.tokenClient
		if endpoint := value("iam_endpoint"); endpoint != "" && !c.iam.Configured {
			c.iam.Endpoint = config.NormalizeEndpoint(endpoint)
		}
		return oidcProvider{&c, id, tokenFile}.Retrieve(ctx)
	}
	k := NewKey(value("ak"), value("sk"), value("security_token"))
	if k.AccessKey == "" || k.SecretKey == "" {
		return nil, fmt.Errorf("%s has no ak and sk in its section [basic]", path)
	}
	return k, nil
}
