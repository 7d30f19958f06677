// Copyright The huaweicloud_workspace_exporter Authors
// SPDX-License-Identifier: Apache-2.0

// Package simulator is a Huawei Cloud that fits into a process: Workspace's
// desktops, their networks and EIPs, IAM's list of projects and the services
// that hand out temporary keys, spoken on the wire as the real ones do. It is an
// independent second opinion on that wire, so it uses the standard library
// alone: neither the SDK nor any other room of this program.
//
// Nothing here is guessed silently. Where the documentation of the real cloud
// says nothing, an option or a [Fault] chooses between the possible answers.
package simulator

import (
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options choose how a Cloud behaves. The zero value is a lenient cloud.
type Options struct {
	Now          func() time.Time // absent: time.Now
	Seed         uint64           // of request ids, issued keys and faults by chance
	UnknownIDs   UnknownIDs       // what ShowDesktopNetworks says to ids it does not know
	AbsentValues AbsentValues     // how a value that a desktop lacks is written
	Quota        int              // calls in any sliding minute, per user and operation; 0: no end
	History      int              // calls that Calls remembers; 0: 10000, negative: none
}

// UnknownIDs is the way in which ShowDesktopNetworks treats unknown ids.
type UnknownIDs int

// The ways that the documentation leaves open.
const (
	OmitUnknown     UnknownIDs = iota // 200, without them
	NotFoundUnknown                   // 404 for the whole batch
	RejectUnknown                     // 400 for the whole batch
)

// AbsentValues is the way in which a value that is not there is written.
type AbsentValues int

// The ways that Workspace's neighbouring calls show.
const (
	OmitKey    AbsentValues = iota // no such key
	WriteNull                      // null
	WriteEmpty                     // "", [] or {}
	WriteBlank                     // "", [] or an object of empty texts
)

// Cloud is a simulated cloud: an http.Handler that serves all its services on
// one address. All its methods may be used at once, and while it serves.
type Cloud struct {
	now     func() time.Time
	routes  []route
	stop    chan struct{} // closed by Close: ends hanging answers
	once    sync.Once
	store   store
	keys    keyStore
	quota   quota
	faults  faults
	callLog callLog
	hooks   hooks
	issuers issuers
}

// New makes a cloud without projects and keys.
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

// Close ends the answers that hang. A closed cloud still answers, but never
// hangs again.
func (c *Cloud) Close() { c.once.Do(func() { close(c.stop) }) }

// request is one call while it is answered.
type request struct {
	Call
	key    Key // once it is authenticated
	query  url.Values
	body   []byte
	effect faultEffect
}

// response is what goes back; a status of 0 means that there is none yet.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP answers one call: it is recorded, the hook runs, the gateway counts
// it, faults that match have their way, and then the service answers.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, route, ok := c.readRequest(r)
	if !ok {
		return // the caller left while it was still speaking
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
		panic(http.ErrAbortHandler) // whoever is still there gets no answer, rather than an empty one
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

// admit asks what the gateway asks: first who calls, then how often, then what
// they may. The answer is a refusal, or none.
func (c *Cloud) admit(r *http.Request, x *request, route *route) response {
	key, refusal := c.keys.authenticate(r, x.body, c.now())
	if refusal != "" {
		return route.unauthorized(refusal, x.RequestID)
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
