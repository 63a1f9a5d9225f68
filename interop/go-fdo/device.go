// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"time"

	fdo "github.com/fido-device-onboard/go-fdo"
	"github.com/fido-device-onboard/go-fdo/cbor"
	"github.com/fido-device-onboard/go-fdo/cose"
	"github.com/fido-device-onboard/go-fdo/custom"
	"github.com/fido-device-onboard/go-fdo/fsim"
	fdohttp "github.com/fido-device-onboard/go-fdo/http"
	"github.com/fido-device-onboard/go-fdo/kex"
	"github.com/fido-device-onboard/go-fdo/protocol"
	"github.com/fido-device-onboard/go-fdo/serviceinfo"
)

const patience = 60 * time.Second

// device is one of go-fdo; it follows the RendezvousInfo and the redirect that it was given.
type device struct {
	key    crypto.Signer
	secret []byte
	cred   *fdo.DeviceCredential
	to1d   *cose.Sign1[protocol.To1d, []byte]
}

// newKey makes a key of a kind. go-fdo leaves zeros in front of x and y out of COSE_Keys, so there are none.
func newKey(kind string) (crypto.Signer, error) {
	curve := map[string]elliptic.Curve{"ec256": elliptic.P256(), "ec384": elliptic.P384()}[kind]
	switch kind {
	case "ec256", "ec384":
		for {
			key, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil || min(key.X.BitLen(), key.Y.BitLen()) > curve.Params().BitSize-8 {
				return key, err
			}
		}
	case "rsa2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	}
	return nil, fmt.Errorf("no key of kind %q", kind)
}

var keyPool = map[string]crypto.Signer{} // making one with RSA takes long

func deviceKey(kind string) (key crypto.Signer, err error) {
	if keyPool[kind] == nil {
		if keyPool[kind], err = newKey(kind); err != nil {
			delete(keyPool, kind)
		}
	}
	return keyPool[kind], err
}

func (d *device) hashes() (hash.Hash, hash.Hash) {
	return hmac.New(sha256.New, d.secret), hmac.New(sha512.New384, d.secret)
}

// spoiler flips a bit of the first answer to one message: what a man in the middle might do.
type spoiler struct {
	message string
	at      int
}

func (s *spoiler) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || s.message == "" || path.Base(request.URL.Path) != s.message {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	body[(s.at%len(body)+len(body))%len(body)] ^= 1
	s.message = ""
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

func (r *request) transport(url string) *fdohttp.Transport {
	return &fdohttp.Transport{BaseURL: url, Client: &http.Client{
		Transport: &spoiler{r.Spoil, r.At}, Timeout: patience}}
}

func (r *request) di(ctx context.Context, d *device) (map[string]any, error) {
	key, err := deviceKey(r.Key)
	if err != nil {
		return nil, err
	}
	d.key, d.secret = key, make([]byte, 32)
	_, _ = rand.Read(d.secret)
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: r.Device}}, key)
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	short, long := d.hashes()
	d.cred, err = fdo.DI(ctx, r.transport(r.URL), custom.DeviceMfgInfo{
		KeyType: protocol.KeyType(r.Type), KeyEncoding: protocol.KeyEncoding(r.Encoding),
		SerialNumber: r.Device, DeviceInfo: "go device", CertInfo: cbor.X509CertificateRequest(*csr),
	}, fdo.DIConfig{HmacSha256: short, HmacSha384: long, Key: key})
	if err != nil {
		return nil, err
	}
	return map[string]any{"guid": hex.EncodeToString(d.cred.GUID[:])}, nil
}

func (r *request) to1(ctx context.Context, d *device) (map[string]any, error) {
	err := fmt.Errorf("RendezvousInfo has no address for devices")
	for _, directive := range protocol.ParseDeviceRvInfo(d.cred.RvInfo) {
		for _, url := range directive.URLs {
			d.to1d, err = fdo.TO1(ctx, r.transport(url.String()), *d.cred, d.key, nil)
			if err == nil {
				return map[string]any{"addresses": len(d.to1d.Payload.Val.RV)}, nil
			}
		}
	}
	return nil, err
}

func (r *request) modules() map[string]serviceinfo.DeviceModule {
	temp := func() (*os.File, error) { return os.CreateTemp(r.Folder, "part") }
	place := func(name string) string { return filepath.Join(r.Folder, filepath.Base(name)) }

	if r.Folder == "" {
		return nil
	}
	return map[string]serviceinfo.DeviceModule{
		"fdo.download": &fsim.Download{CreateTemp: temp, NameToPath: place, ErrorLog: os.Stderr},
		"fdo.upload":   &fsim.Upload{FS: os.DirFS(r.Folder)},
		"fdo.command":  &fsim.Command{Timeout: patience},
		"fdo.wget":     &fsim.Wget{CreateTemp: temp, NameToPath: place, Timeout: patience},
	}
}

func (r *request) to2(ctx context.Context, d *device) (map[string]any, error) {
	cipher, known := kex.CipherSuiteByName(r.Cipher)
	if !known {
		return nil, fmt.Errorf("no cipher suite %q", r.Cipher)
	}
	url := r.URL // with none, go where the redirect says
	if url == "" {
		url = d.to1d.Payload.Val.RV[0].String()
	}
	redirect := d.to1d
	if r.Bypass {
		redirect = nil
	}
	short, long := d.hashes()
	next, err := fdo.TO2(ctx, r.transport(url), redirect, fdo.TO2Config{
		Cred: *d.cred, HmacSha256: short, HmacSha384: long, Key: d.key,
		Devmod: serviceinfo.Devmod{Os: "linux", Arch: "amd64", Version: "1", Device: "go device", FileSep: ";",
			Bin: "amd64", Serial: []byte(r.Device), PathSep: "/", Newline: "\n", Temp: "/tmp", Dir: "/",
			ProgEnv: "bin", MudURL: "https://mud.example/go"},
		DeviceModules: r.modules(), KeyExchange: kex.Suite(r.Kex), CipherSuite: cipher,
		MaxServiceInfoSizeReceive: r.Size, AllowCredentialReuse: r.Reuse,
	})
	if err != nil {
		return nil, err
	}
	if next != nil {
		d.cred, d.to1d = next, nil
	}
	return map[string]any{"guid": hex.EncodeToString(d.cred.GUID[:]), "replaced": next != nil}, nil
}
