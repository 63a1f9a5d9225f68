// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/fido-device-onboard/go-fdo/cbor"
	"github.com/fido-device-onboard/go-fdo/fsim"
	"github.com/fido-device-onboard/go-fdo/serviceinfo"
	"github.com/fido-device-onboard/go-fdo/sqlite"
)

type step struct {
	name string
	impl serviceinfo.OwnerModule
}

// What is left of the plan for one device, by its token.
type run struct {
	steps   []step
	current step
}

type modules struct {
	db   *sqlite.DB
	plan *plan
	lock sync.Mutex
	runs map[string]*run
}

// steps of the plan, in the order of the modules' names.
func (p *plan) steps() []step {
	var all []step
	if p.account != nil && len(p.account) > 0 {
		all = append(all, step{"tessera.lwm2m", &handover{account: p.account}})
	}
	for _, name := range p.downloads {
		file := must(os.Open(name))
		all = append(all, step{"fdo.download", &fsim.DownloadContents[*os.File]{
			Name: path.Base(name), Contents: file, MustDownload: true}})
	}
	for _, name := range p.uploads {
		all = append(all, step{"fdo.upload", &fsim.UploadRequest{Dir: p.folder, Name: name, Rename: path.Base(name),
			CreateTemp: func() (*os.File, error) { return os.CreateTemp(p.folder, "upload") }}})
	}
	for _, text := range p.fetches {
		where := must(url.Parse(text))
		all = append(all, step{"fdo.wget", &fsim.WgetCommand{Name: path.Base(where.Path), URL: where}})
	}
	for _, line := range p.commands {
		parts := strings.Fields(line)
		all = append(all, step{"fdo.command", &fsim.RunCommand{Command: parts[0], Args: parts[1:], Stdout: os.Stdout,
			Stderr: os.Stderr}})
	}
	return all
}

func (m *modules) of(ctx context.Context) (*run, error) {
	token, ok := m.db.TokenFromContext(ctx)
	if !ok {
		return nil, fmt.Errorf("no token")
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.runs[token] == nil {
		m.runs[token] = &run{steps: m.plan.steps()}
	}
	return m.runs[token], nil
}

// Module is a part of serviceinfo's state machine.
func (m *modules) Module(ctx context.Context) (string, serviceinfo.OwnerModule, error) {
	r, err := m.of(ctx)
	if err != nil {
		return "", nil, err
	}
	return r.current.name, r.current.impl, nil
}

// NextModule is a part of serviceinfo's state machine.
func (m *modules) NextModule(ctx context.Context) (bool, error) {
	r, err := m.of(ctx)
	if err != nil || len(r.steps) == 0 {
		return false, err
	}
	r.current, r.steps = r.steps[0], r.steps[1:]
	return true, nil
}

// CleanupModules is a part of serviceinfo's state machine.
func (m *modules) CleanupModules(ctx context.Context) {
	if token, ok := m.db.TokenFromContext(ctx); ok {
		m.lock.Lock()
		defer m.lock.Unlock()
		delete(m.runs, token)
	}
}

// handover is the owner's side of tessera.lwm2m (docs/FDO.md).
type handover struct {
	account    []byte
	sent, done bool
}

// HandleInfo takes what the device answers.
func (h *handover) HandleInfo(_ context.Context, name string, body io.Reader) error {
	switch name {
	case "active":
		var active bool
		if err := cbor.NewDecoder(body).Decode(&active); err != nil || !active {
			return fmt.Errorf("tessera.lwm2m is not active: %w", err)
		}
	case "done":
		var count int
		if err := cbor.NewDecoder(body).Decode(&count); err != nil {
			return err
		}
		fmt.Println("account taken:", count)
		h.done = true
	default:
		var text string
		_ = cbor.NewDecoder(body).Decode(&text)
		return fmt.Errorf("account not taken: %s %s", name, text)
	}
	return nil
}

// ProduceInfo hands the account over.
func (h *handover) ProduceInfo(_ context.Context, producer *serviceinfo.Producer) (bool, bool, error) {
	if h.sent {
		return false, h.done, nil
	}
	h.sent = true
	if err := producer.WriteChunk("active", []byte{0xf5}); err != nil {
		return false, false, err
	}
	return false, false, producer.WriteChunk("account", h.account)
}
