//! What a stranger sends as SOAP: any XML, and any envelope.
#![no_main]

use hostler_transport::soap::{Announced, DEVICE_SERVICE, Limits, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::of(64 << 10);
    if let Ok(understood) = read(bytes, limits) {
        let written = understood.document(&[]);
        // Attributes of other namespaces aren't written, so what was written once is what is compared.
        let again = read(written.as_bytes(), Limits::of(usize::MAX)).unwrap();
        assert_eq!(again.document(&[]), written);
    }
    for kind in ["text/xml", "application/soap+xml"] {
        let announced = Announced::by(Some(kind), Some("")).unwrap();
        let _ = announced.read(bytes, limits, &DEVICE_SERVICE);
    }
});
