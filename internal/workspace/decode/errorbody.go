// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

package decode

// MaxRequestID is the maximum length of a request ID.
const MaxRequestID = 128

const maxErrorCode = 64

// ErrorBody is the content of the body of an error response. It has no message:
// messages may contain the access key or the canonical request.
type ErrorBody struct {
	Code           string // such as APIGW.0301
	RequestID      string
	EncodedMessage bool // the body has an encoded_authorization_message
}

// Error decodes the body of an error response in the formats of Workspace, of
// the API gateway and of IAM. It returns the fields before the first syntax
// error, and the zero value for a body that is not a JSON object. Code and
// RequestID are "" if they are not valid identifiers.
func Error(body []byte) ErrorBody {
	s := scanner{data: body}
	e := s.readErrorBody()
	e.Code, e.RequestID = Identifier(e.Code, maxErrorCode), Identifier(e.RequestID, MaxRequestID)
	return e
}

func (s *scanner) readErrorBody() (e ErrorBody) {
	if s.peek() != kindObject {
		return e
	}
	for entered := s.enterObject(); entered && s.nextMember(); {
		switch string(s.key) {
		case "error_code", "code":
			if code := s.readString(nil); e.Code == "" {
				e.Code = code
			}
		case "request_id":
			e.RequestID = s.readString(nil)
		case "encoded_authorization_message":
			e.EncodedMessage = s.readString(nil) != ""
		case "error":
			if s.peek() != kindObject {
				s.skip()
				continue
			}
			for entered := s.enterObject(); entered && s.nextMember(); {
				if string(s.key) == "code" {
					e.Code = s.readString(nil) // "" for Keystone's number, which is the HTTP status
				} else {
					s.skip()
				}
			}
		default:
			s.skip()
		}
	}
	return e
}

// Identifier returns s if it consists of at most maxLen letters, digits, dots,
// hyphens and underscores. It returns "" otherwise, so that no other text from
// a response reaches a log or a page.
func Identifier(s string, maxLen int) string {
	if len(s) > maxLen {
		return ""
	}
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '-', c == '_':
		default:
			return ""
		}
	}
	return s
}
