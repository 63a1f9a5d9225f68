// SPDX-License-Identifier: Apache-2.0

// Command peer is a manufacturer, a rendezvous server and an owner on the library go-fdo, for a device that is to be tested:
//
//	peer -listen 127.0.0.1:8040 -db FILE [-reuse] [-bypass] [-download FILE]... [-account HEX]
//
// Vouchers are extended to its own owner key and registered as they are made. Then it says "peer is ready".
//
//	peer device
//
// is devices on that library, and what it makes of vouchers, as requests on standard input say (requests.go).
package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	fdo "github.com/fido-device-onboard/go-fdo"
	"github.com/fido-device-onboard/go-fdo/cbor"
	"github.com/fido-device-onboard/go-fdo/custom"
	fdohttp "github.com/fido-device-onboard/go-fdo/http"
	"github.com/fido-device-onboard/go-fdo/protocol"
	"github.com/fido-device-onboard/go-fdo/sqlite"
)

type plan struct {
	downloads, uploads, fetches, commands words
	folder                                string
	account                               []byte
}

type words []string

func (w *words) String() string         { return fmt.Sprint(*w) }
func (w *words) Set(value string) error { *w = append(*w, value); return nil }

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func selfSigned(key crypto.Signer) []*x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "peer"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), BasicConstraintsValid: true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return []*x509.Certificate{must(x509.ParseCertificate(der))}
}

// Keys are made once, so that a peer that is started again is the same one.
func makeKeys(ctx context.Context, db *sqlite.DB) {
	for kind, name := range map[protocol.KeyType]string{protocol.Secp256r1KeyType: "ec256", protocol.Secp384r1KeyType: "ec384"} {
		if _, _, err := db.ManufacturerKey(ctx, kind, 0); err == nil {
			continue
		}
		maker, owner := must(newKey(name)), must(newKey(name))
		check(db.AddManufacturerKey(kind, maker, selfSigned(maker)))
		check(db.AddOwnerKey(kind, owner, nil))
	}
}

// Owner addresses for the registration that follows each DI.
type registrar struct {
	*sqlite.DB
	addr protocol.RvTO2Addr
}

func (r registrar) OwnerAddrs(context.Context, fdo.Voucher) ([]protocol.RvTO2Addr, time.Duration, error) {
	return []protocol.RvTO2Addr{r.addr}, 0, nil
}

func encoded(value any) []byte { return must(cbor.Marshal(value)) }

func rendezvous(host string, port uint16, bypass bool) [][]protocol.RvInstruction {
	directive := []protocol.RvInstruction{
		{Variable: protocol.RVProtocol, Value: encoded(protocol.RVProtHTTP)},
		{Variable: protocol.RVDns, Value: encoded(host)},
		{Variable: protocol.RVDevPort, Value: encoded(port)},
		{Variable: protocol.RVOwnerPort, Value: encoded(port)},
		{Variable: protocol.RVDelaysec, Value: encoded(1)},
	}
	if bypass {
		directive = append(directive, protocol.RvInstruction{Variable: protocol.RVBypass})
	}
	return [][]protocol.RvInstruction{directive}
}

func manufacturer(db *sqlite.DB, all fdo.AllInOne, rv [][]protocol.RvInstruction, bypass bool) *fdo.DIServer[custom.DeviceMfgInfo] {
	key, chain, err := db.ManufacturerKey(context.Background(), protocol.Secp384r1KeyType, 0)
	check(err)
	di := &fdo.DIServer[custom.DeviceMfgInfo]{
		Session: db, Vouchers: db, BeforeVoucherPersist: all.Extend,
		SignDeviceCertificate: custom.SignDeviceCertificate(key, chain),
		DeviceInfo: func(ctx context.Context, info *custom.DeviceMfgInfo, _ []*x509.Certificate) (string, protocol.PublicKey, error) {
			signer, _, err := db.ManufacturerKey(ctx, info.KeyType, 0)
			if err != nil {
				return "", protocol.PublicKey{}, err
			}
			public, err := publicOf(signer, info.KeyType, info.KeyEncoding)
			if err != nil {
				return "", protocol.PublicKey{}, err
			}
			return info.DeviceInfo, *public, nil
		},
		RvInfo: func(context.Context, *fdo.Voucher) ([][]protocol.RvInstruction, error) { return rv, nil },
	}
	if !bypass {
		di.AfterVoucherPersist = all.RegisterOwnerAddr
	}
	return di
}

func hostPort(url string) (string, uint16, error) {
	host, service, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	return host, uint16(port), err
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "device" {
		serveRequests()
		return
	}
	var p plan
	var account string
	listen := flag.String("listen", "127.0.0.1:8040", "address and port")
	file := flag.String("db", "peer.db", "where its state is kept")
	reuse := flag.Bool("reuse", false, "leave credentials as they are")
	bypass := flag.Bool("bypass", false, "devices come without TO1")
	flag.StringVar(&p.folder, "folder", ".", "where uploads go")
	flag.Var(&p.downloads, "download", "a file for fdo.download")
	flag.Var(&p.uploads, "upload", "a name for fdo.upload")
	flag.Var(&p.fetches, "fetch", "a URL for fdo.wget")
	flag.Var(&p.commands, "command", "what fdo.command runs; must succeed")
	flag.StringVar(&account, "account", "", "hexadecimal digits of a map for tessera.lwm2m")
	flag.Parse()
	p.account = must(hex.DecodeString(account))

	ctx := context.Background()
	db := must(sqlite.Open(*file, ""))
	makeKeys(ctx, db)
	host, port, err := hostPort(*listen)
	check(err)
	rv := rendezvous(host, port, *bypass)
	addr := protocol.RvTO2Addr{DNSAddress: &host, Port: port, TransportProtocol: protocol.HTTPTransport}
	all := fdo.AllInOne{DIAndOwner: db, RendezvousAndOwner: registrar{db, addr}}

	http.Handle("POST /fdo/101/msg/{msg}", &fdohttp.Handler{
		Tokens:       db,
		DIResponder:  manufacturer(db, all, rv, *bypass),
		TO0Responder: &fdo.TO0Server{Session: db, RVBlobs: db},
		TO1Responder: &fdo.TO1Server{Session: db, RVBlobs: db},
		TO2Responder: &fdo.TO2Server{
			Session: db, Vouchers: db, OwnerKeys: db, Modules: &modules{db: db, plan: &p, runs: map[string]*run{}},
			RvInfo:          func(context.Context, fdo.Voucher) ([][]protocol.RvInstruction, error) { return rv, nil },
			ReuseCredential: func(context.Context, fdo.Voucher) (bool, error) { return *reuse, nil },
		},
	})
	listener := must(net.Listen("tcp", *listen))
	fmt.Println("peer is ready")
	log.Fatal(http.Serve(listener, nil))
}
