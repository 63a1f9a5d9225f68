// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/fido-device-onboard/go-fdo/protocol"
)

// request is a line of JSON; the answer is another: what was asked for, or `error`, and `code` if it came as message 255.
type request struct {
	Do, Device, URL, Key, Kex, Cipher, Folder string
	Type                                      uint8
	Encoding                                  uint8
	Size                                      uint16
	Reuse, Bypass                             bool
	Spoil                                     string // the message whose answer is changed on its way
	At                                        int    // at this byte, from the end if negative
	Voucher                                   []byte
	Owner, Next                               string // PEM
	Chain, Extra                              bool
}

func (r *request) answer(ctx context.Context, devices map[string]*device) (map[string]any, error) {
	d := devices[r.Device]
	if d == nil {
		d = &device{}
		devices[r.Device] = d
	}
	switch r.Do {
	case "di":
		return r.di(ctx, d)
	case "make":
		return r.make(ctx, d)
	case "verify":
		return r.verify(d)
	case "extend":
		return r.extend()
	}
	if d.cred == nil {
		return nil, fmt.Errorf("%s was not initialised", r.Device)
	}
	switch r.Do {
	case "to1":
		return r.to1(ctx, d)
	case "to2":
		return r.to2(ctx, d)
	}
	return nil, fmt.Errorf("nothing is called %q", r.Do)
}

// serveRequests is the device's role: many devices, as standard input says, one request after the other.
func serveRequests() {
	slog.SetLogLoggerLevel(slog.LevelError)
	devices := map[string]*device{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r request
		check(json.Unmarshal(lines.Bytes(), &r))
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		answer, err := r.answer(ctx, devices)
		cancel()
		if err != nil {
			answer = map[string]any{"error": err.Error()}
			var refused protocol.ErrorMessage
			if errors.As(err, &refused) {
				answer["code"] = refused.Code
			}
		}
		check(out.Encode(answer))
	}
	check(lines.Err())
}
