// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulator answers: what would the cloud respond? It is an HTTP server of
// the APIs that the exporter calls: Workspace's desktops, networks and EIPs, IAM's
// list of projects, and the services that issue temporary access keys. The demo
// and the tests use it.
//
// It uses the standard library only, neither the SDK nor a package of this module,
// so that a misreading of the API cannot be on both sides. Where the documentation
// of an API is silent, an option or a [Fault] selects one of the possible
// responses.
package simulator

import (
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options select the behavior of a Cloud. The zero value has no quota.
type Options struct {
	Now          func() time.Time // nil: time.Now
	Seed         uint64           // of request IDs, issued keys and random faults
	UnknownIDs   UnknownIDs       // response of ShowDesktopNetworks to unknown IDs
	AbsentValues AbsentValues     // encoding of values that a desktop does not have
	Quota        int              // calls per user and operation in any sliding minute; 0: unlimited
	History      int              // maximum of calls that Calls returns; 0: 10000, negative: none
}

// UnknownIDs is the response of ShowDesktopNetworks to unknown IDs.
type UnknownIDs int

// The responses that the documentation allows.
const (
	OmitUnknown     UnknownIDs = iota // 200 without them
	NotFoundUnknown                   // 404 for the whole batch
	RejectUnknown                     // 400 for the whole batch
)

// AbsentValues is the encoding of absent values.
type AbsentValues int

// The encodings that similar APIs of Workspace use.
const (
	OmitKey    AbsentValues = iota // without the key
	WriteNull                      // null
	WriteEmpty                     // "", [] or {}
	WriteBlank                     // "", [] or an object of empty strings
)

// Cloud is a simulated cloud: an http.Handler that serves all services on one
// address. Its methods are safe for concurrent use, also while it serves.
type Cloud struct {
	now     func() time.Time
	routes  []route
	stop    chan struct{} // closed by Close: ends hanging responses
	once    sync.Once
	store   store
	keys    keyStore
	quota   quota
	faults  faults
	callLog callLog
	hooks   hooks
	issuers issuers
}

// New returns a cloud without projects and access keys.
func New(o Options) *Cloud {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.History == 0 {
		o.History = 10_000
	}
	c := &Cloud{now: o.Now, routes: routes(), stop: make(chan struct{})}
	c.store.init(o.UnknownIDs, o.AbsentValues)
	c.keys.init()
	c.quota.init(o.Quota)
	c.faults.seed = o.Seed
	c.callLog.init(o.History, o.Seed)
	c.issuers.init(o.Seed)
	return c
}

// Close ends hanging responses. A closed cloud still responds, but never hangs
// again.
func (c *Cloud) Close() { c.once.Do(func() { close(c.stop) }) }

// request is a call that is being served.
type request struct {
	Call
	key    Key // after authentication
	query  url.Values
	body   []byte
	effect faultEffect
}

// response is the response to a request. The zero value means none yet.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP serves one call: it logs the call, runs the hooks, applies matching
// faults, authenticates and counts it, and calls the service.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, route, ok := c.readRequest(r)
	if !ok {
		return // the client disconnected while sending the request
	}
	record := c.callLog.begin(&x.Call)
	defer c.callLog.end()
	c.hooks.run(x.Call)
	x.effect = c.faults.evaluate(x.Call)

	var a response
	switch {
	case x.effect.Status != 0:
		a = x.effect.response(x.RequestID)
	case route == nil:
		a = gatewayError(http.StatusNotFound, "APIGW.0101",
			"The API does not exist or has not been published in the environment", x.RequestID)
	case route.signed:
		a = c.admit(r, x, route)
	}
	if !c.wait(r, x.effect.Latency) {
		panic(http.ErrAbortHandler) // no response rather than an empty one
	}
	if a.status == 0 {
		a = route.serve(c, r, x)
	}
	if x.effect.RewriteBody != nil {
		a.body = x.effect.RewriteBody(a.body)
	}
	if !x.effect.ResetConnection && !x.effect.HangBeforeHeader {
		c.callLog.status(record, a.status)
	}
	c.writeResponse(w, r, x, a)
}

// admit applies the checks of the API gateway: authentication, quota, and
// permissions. It returns an error response, or the zero value.
func (c *Cloud) admit(r *http.Request, x *request, route *route) response {
	key, reason := c.keys.authenticate(r, x.body, c.now())
	if reason != "" {
		return route.unauthorized(reason, x.RequestID)
	}
	x.key = key
	if limit, ok := c.quota.admit(key.quotaUser(), x.Operation, c.now); !ok {
		return throttled(limit, x.RequestID)
	}
	if route.keystone {
		if !key.isAllowed(x.Operation) {
			return keystoneError(http.StatusForbidden, "Forbidden", "You are not authorized to perform the requested action.")
		}
		return response{}
	}
	p, ok := c.store.project(x.Project)
	switch {
	case !ok:
		return gatewayError(http.StatusForbidden, "APIGW.0310", "The project is unavailable.", x.RequestID)
	case !key.canAccess(x.Project) || !key.isAllowed(x.Operation):
		return permissionDenied(x, route.permission)
	case p.Disabled:
		return workspaceError(http.StatusForbidden, "WKS.00010099",
			"Workspace service is disabled.", "The Workspace service is not enabled in this project.", "")
	default:
		return response{}
	}
}
