// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package web

// formField is a field of a form.
type formField struct {
	Name, Label, Value string
	Hint               string
	Select             bool // one of the options; otherwise any text, with the options as suggestions
	Options            []formOption
	Hidden             []string // several values, which no field can display: submitted unchanged
}

type formOption struct {
	Value, Text string
	Selected    bool
}

// selectField returns a field for one of the options. A value from a link that is
// not among them is added to them.
func selectField(name, label string, values []string, options ...formOption) formField {
	f := formField{Name: name, Label: label, Select: true, Options: options}
	f.setValues(values)
	if f.Value == "" {
		return f
	}
	found := false
	for i := range f.Options {
		f.Options[i].Selected = f.Options[i].Value == f.Value
		found = found || f.Options[i].Selected
	}
	if !found {
		f.Options = append(f.Options, formOption{f.Value, f.Value, true})
	}
	return f
}

// maxSuggestions is the maximum number of suggestions of a text field.
const maxSuggestions = 200

// textField returns a field for any text, with suggestions.
func textField(name, label string, values, suggestions []string) formField {
	f := formField{Name: name, Label: label}
	for _, s := range suggestions[:min(len(suggestions), maxSuggestions)] {
		f.Options = append(f.Options, formOption{Value: s})
	}
	f.setValues(values)
	return f
}

func (f *formField) setValues(values []string) {
	if len(values) == 1 {
		f.Value = values[0]
	} else {
		f.Hidden = values
	}
}
