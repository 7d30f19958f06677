// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package config

import "strings"

// Environment variables. All but EnvRegion are those of the SDK.
const (
	EnvRegion        = "HUAWEICLOUD_REGION"
	EnvAccessKey     = "HUAWEICLOUD_SDK_AK"
	EnvSecretKey     = "HUAWEICLOUD_SDK_SK"
	EnvSecurityToken = "HUAWEICLOUD_SDK_SECURITY_TOKEN"
	EnvIDPID         = "HUAWEICLOUD_SDK_IDP_ID"
	EnvIDTokenFile   = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"
	EnvProfileFile   = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
	EnvProjectID     = "HUAWEICLOUD_SDK_PROJECT_ID"
	EnvIAMEndpoint   = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
)

// envEndpointPrefix, followed by a region in capital letters, is the variable that
// sets the Workspace endpoint of that region.
const envEndpointPrefix = "HUAWEICLOUD_SDK_REGION_WORKSPACE_"

// envEndpoint returns the name of the variable that sets the Workspace endpoint
// of a region.
func envEndpoint(region string) string {
	return envEndpointPrefix + strings.ToUpper(strings.ReplaceAll(region, "-", "_"))
}

// FromEnvironment returns the configuration of one project, named after its
// region, from environment variables alone. A region that is not empty, that of
// the flag --region, takes precedence over HUAWEICLOUD_REGION. The source of
// credentials is SourceEnvironment if the environment contains some, and
// SourceChain otherwise. The error is of type Errors.
func FromEnvironment(getenv func(string) string, region string, options Options) (*Config, error) {
	k := checker{newErrorList("environment"), options}
	if region == "" {
		region = getenv(EnvRegion)
	}
	p := Project{Name: region, Region: region, ProjectID: getenv(EnvProjectID)}
	p.setDefaults()
	p.Credentials.Source = SourceChain
	if k.environmentCredentials(getenv) {
		p.Credentials.Source = SourceEnvironment
	}
	if endpoint := getenv(EnvIAMEndpoint); endpoint != "" {
		p.IAMEndpoint = NormalizeEndpoint(endpoint)
	}

	if region == "" {
		k.add(EnvRegion, "missing; set it or --region to the ID of a region, such as la-north-2, or set --config.file")
	} else {
		k.region(EnvRegion, region, true, "set "+envEndpoint(region)+" to its endpoint")
	}
	k.projectID(EnvProjectID, p.ProjectID)
	k.endpoint(EnvIAMEndpoint, p.IAMEndpoint)

	c := &Config{Projects: []Project{p}}
	c.setDefaults()
	c.applyDerivedDefaults("", k.isSet)
	if err := k.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// environmentCredentials checks the credentials in the environment, and reports
// whether there are any.
func (k *checker) environmentCredentials(getenv func(string) string) bool {
	require := func(name, together string) {
		if getenv(name) == "" {
			k.add(name, "missing; set it together with %s", together)
		}
	}
	hasKey := getenv(EnvAccessKey)+getenv(EnvSecretKey)+getenv(EnvSecurityToken) != ""
	if hasKey {
		require(EnvAccessKey, EnvSecretKey)
		require(EnvSecretKey, EnvAccessKey)
	}
	for _, name := range []string{EnvAccessKey, EnvSecretKey, EnvSecurityToken} {
		k.credentialText(name, getenv(name))
	}
	hasOIDC := getenv(EnvIDPID)+getenv(EnvIDTokenFile) != ""
	if hasOIDC {
		require(EnvIDPID, EnvIDTokenFile)
		require(EnvIDTokenFile, EnvIDPID)
	}
	if file := getenv(EnvIDTokenFile); file != "" {
		k.secretFile(EnvIDTokenFile, file)
	}
	return hasKey || hasOIDC
}
