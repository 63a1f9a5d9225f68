// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/http/httptest"

	fdo "github.com/fido-device-onboard/go-fdo"
	"github.com/fido-device-onboard/go-fdo/cbor"
	"github.com/fido-device-onboard/go-fdo/custom"
	fdohttp "github.com/fido-device-onboard/go-fdo/http"
	"github.com/fido-device-onboard/go-fdo/protocol"
)

func privateKey(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	return key.(crypto.Signer), nil
}

func publicKey(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("no PEM")
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// publicOf is a key as FDO has it, in the encoding that is wanted.
func publicOf(key crypto.Signer, kind protocol.KeyType, encoding protocol.KeyEncoding) (*protocol.PublicKey, error) {
	if encoding == protocol.X5ChainKeyEnc {
		return protocol.NewPublicKey(kind, selfSigned(key), false)
	}
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		return protocol.NewPublicKey(kind, public, encoding == protocol.CoseKeyEnc)
	case *rsa.PublicKey:
		return protocol.NewPublicKey(kind, public, encoding == protocol.CoseKeyEnc)
	}
	return nil, fmt.Errorf("a key of no known kind")
}

// --- verified

func decoded(bytes []byte) (*fdo.Voucher, error) {
	var v fdo.Voucher
	if err := cbor.Unmarshal(bytes, &v); err != nil {
		return nil, err
	}
	return &v, nil
}

// verify runs all that go-fdo can check; with a device, also what only it can.
func (r *request) verify(d *device) (map[string]any, error) {
	v, err := decoded(r.Voucher)
	if err != nil {
		return nil, err
	}
	checks := []error{v.VerifyDeviceCertChain(nil), v.VerifyCertChainHash(), v.VerifyManufacturerCertChain(nil),
		v.VerifyEntries()}
	for _, entry := range v.Entries {
		checks = append(checks, entry.Payload.Val.VerifyOwnerCertChain(nil))
	}
	if d.cred != nil {
		short, long := d.hashes()
		checks = append(checks, v.VerifyHeader(short, long), v.VerifyManufacturerKey(d.cred.PublicKeyHash))
	}
	for _, err := range checks {
		if err != nil {
			return nil, err
		}
	}
	owner, err := v.OwnerPublicKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(owner)
	if err != nil {
		return nil, err
	}
	encodings := []int{int(v.Header.Val.ManufacturerKey.Encoding)}
	for _, entry := range v.Entries {
		encodings = append(encodings, int(entry.Payload.Val.PublicKey.Encoding))
	}
	return map[string]any{"entries": len(v.Entries), "owner": der, "encodings": encodings,
		"guid": hex.EncodeToString(v.Header.Val.GUID[:])}, nil
}

// --- extended

func (r *request) extend() (map[string]any, error) {
	v, err := decoded(r.Voucher)
	if err != nil {
		return nil, err
	}
	owner, err := privateKey(r.Owner)
	if err != nil {
		return nil, err
	}
	if err := r.sell(v, owner); err != nil {
		return nil, err
	}
	return map[string]any{"voucher": must(cbor.Marshal(v))}, nil
}

// sell hands a voucher over to the key (or, with Chain, to a certificate of the private key) in Next.
func (r *request) sell(v *fdo.Voucher, owner crypto.Signer) (err error) {
	var extra map[int][]byte
	if r.Extra {
		extra = map[int][]byte{1: []byte("sold in May")}
	}
	var longer *fdo.Voucher
	if r.Chain {
		next, err := privateKey(r.Next)
		if err != nil {
			return err
		}
		longer, err = fdo.ExtendVoucher(v, owner, selfSigned(next), extra)
		if err != nil {
			return err
		}
		*v = *longer
		return nil
	}
	next, err := publicKey(r.Next)
	if err != nil {
		return err
	}
	switch next := next.(type) {
	case *ecdsa.PublicKey:
		longer, err = fdo.ExtendVoucher(v, owner, next, extra)
	case *rsa.PublicKey:
		longer, err = fdo.ExtendVoucher(v, owner, next, extra)
	default:
		err = fmt.Errorf("a key of no known kind")
	}
	if err == nil {
		*v = *longer
	}
	return err
}

// --- made

// factory keeps what go-fdo's manufacturer remembers of one device.
type factory struct {
	chain   []*x509.Certificate
	header  *fdo.VoucherHeader
	voucher *fdo.Voucher
}

func (f *factory) NewToken(context.Context, protocol.Protocol) (string, error)  { return "one", nil }
func (f *factory) InvalidateToken(context.Context) error                        { return nil }
func (f *factory) TokenContext(ctx context.Context, _ string) context.Context   { return ctx }
func (f *factory) TokenFromContext(context.Context) (string, bool)              { return "one", true }
func (f *factory) DeviceCertChain(context.Context) ([]*x509.Certificate, error) { return f.chain, nil }
func (f *factory) SetDeviceCertChain(_ context.Context, chain []*x509.Certificate) error {
	f.chain = chain
	return nil
}
func (f *factory) IncompleteVoucherHeader(context.Context) (*fdo.VoucherHeader, error) {
	return f.header, nil
}
func (f *factory) SetIncompleteVoucherHeader(_ context.Context, header *fdo.VoucherHeader) error {
	f.header = header
	return nil
}
func (f *factory) AddVoucher(_ context.Context, v *fdo.Voucher) error {
	f.voucher = v
	return nil
}
func (f *factory) Voucher(context.Context, protocol.GUID) (*fdo.Voucher, error) {
	return f.voucher, nil
}

// make is DI with go-fdo's manufacturer, whose key is Owner, and rendezvous at URL.
func (r *request) make(ctx context.Context, d *device) (map[string]any, error) {
	maker, err := privateKey(r.Owner)
	if err != nil {
		return nil, err
	}
	host, port, err := hostPort(r.URL)
	if err != nil {
		return nil, err
	}
	f := &factory{}
	rv := rendezvous(host, port, false)
	authority, err := deviceKey("ec384")
	if err != nil {
		return nil, err
	}
	di := &fdo.DIServer[custom.DeviceMfgInfo]{
		Session: f, Vouchers: f, SignDeviceCertificate: custom.SignDeviceCertificate(authority, selfSigned(authority)),
		DeviceInfo: func(_ context.Context, info *custom.DeviceMfgInfo, _ []*x509.Certificate) (string, protocol.PublicKey, error) {
			public, err := publicOf(maker, info.KeyType, info.KeyEncoding)
			if err != nil {
				return "", protocol.PublicKey{}, err
			}
			return info.DeviceInfo, *public, nil
		},
		RvInfo: func(context.Context, *fdo.Voucher) ([][]protocol.RvInstruction, error) { return rv, nil },
	}
	server := httptest.NewServer(&fdohttp.Handler{Tokens: f, DIResponder: di})
	defer server.Close()
	r.URL = server.URL
	answer, err := r.di(ctx, d)
	if err != nil {
		return nil, err
	}
	answer["voucher"] = must(cbor.Marshal(f.voucher))
	return answer, nil
}
