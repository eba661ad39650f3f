//! ABI 1.0 as text: layout, symbols, sections, and the words that cross. It is frozen: a test here that fails shows a change that no
//! plugin out there can follow. Never update these snapshots; make a `v2`. Among the words, a line may be added.

use std::collections::BTreeSet;

use abi_stable::StableAbi;
use abi_stable::library::{AbiHeader, LibHeader, ROOT_MODULE_LOADER_NAME, RootModule};
use abi_stable::type_layout::{TLData, TypeLayout};
use expect_test::expect;

use super::*;
use crate::{ErrorCode, Input, Listing, Secret, Segment, Verb, WireRequest, WireResponse};

/// Every type that the exported module reaches, once: size, alignment, fields, functions.
fn describe(layout: &'static TypeLayout, seen: &mut BTreeSet<String>, text: &mut String) {
    let name = layout.full_type().to_string();
    if !seen.insert(name.clone()) {
        return;
    }
    text.push_str(&format!(
        "{name}: {} bytes, aligned to {}, {:?}",
        layout.size(),
        layout.alignment(),
        layout.repr_attr()
    ));
    text.push_str(if layout.is_nonzero() { ", never 0\n" } else { "\n" });
    let fields = match layout.data() {
        TLData::Struct { fields } | TLData::Union { fields } => fields.to_vec(),
        TLData::Enum(variants) => {
            let (names, fields) = (variants.variant_names.as_str(), variants.field_count.as_slice());
            let exhaustive = variants.exhaustiveness.is_exhaustive();
            text.push_str(&format!(
                "    {names} = {:?} with {fields:?} fields, exhaustive: {exhaustive}\n",
                variants.discriminants
            ));
            variants.fields.to_vec()
        }
        TLData::PrefixType(prefix) => {
            let conditional: Vec<String> = prefix
                .conditional_prefix_fields
                .iter()
                .map(|one| format!("{one:?}"))
                .filter(|one| one != "No")
                .collect();
            let first = prefix.first_suffix_field;
            text.push_str(&format!("    the first {first} are always there, under a condition {conditional:?}\n"));
            prefix.fields.to_vec()
        }
        TLData::Primitive(primitive) => {
            text.push_str(&format!("    {primitive:?}\n"));
            Vec::new()
        }
        TLData::Opaque => Vec::new(),
    };
    let mut reached: Vec<_> =
        fields.iter().chain(&layout.phantom_fields().to_vec()).map(|field| field.layout()).collect();
    for field in fields {
        for function in field.function_range().iter() {
            text.push_str(&format!("    {function}\n").split_whitespace().collect::<Vec<_>>().join(" "));
            text.push('\n');
            let parts = function.param_type_layouts.iter().chain(function.return_type_layout());
            reached.extend(parts.map(|layout_of| layout_of()));
        }
        text.push_str(&format!("    {}: {}\n", field.name(), field.full_type()));
    }
    for layout in reached {
        describe(layout, seen, text);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn layout_is_what_it_was() {
    let mut text = String::new();
    describe(<KindModule_Ref as StableAbi>::LAYOUT, &mut BTreeSet::new(), &mut text);
    expect![[r#"
        PrefixRef<'a, KindModule>: 8 bytes, aligned to 8, Transparent, never 0
        KindModule: 8 bytes, aligned to 8, C
            the first 1 are always there, under a condition []
        fn(verb,input,host,: RStr<'a>, param_1: RSlice<'a>, param_2: &'a HostHandle<'a> )->RResult lifetime indices:Array(ArrayLen { len: 2, array: [[ANONYMOUS, ANONYMOUS], [ANONYMOUS, ANONYMOUS], [NONE, NONE]] })
            invoke: AFunctionPointer
        AFunctionPointer: 8 bytes, aligned to 8, C, never 0
        RStr<'a>: 16 bytes, aligned to 8, C
            inner: RSlice<'a>
        RSlice<'a>: 16 bytes, aligned to 8, C
            data: *const u8 
            length: usize
            _marker: PhantomData<&'a  u8 >
        *const u8 : 8 bytes, aligned to 8, Primitive
            ConstPtr
        u8: 1 bytes, aligned to 1, Primitive
            U8
        usize: 8 bytes, aligned to 8, Primitive
            Usize
        PhantomData<&'a  u8 >: 0 bytes, aligned to 1, C
        &'a  u8 : 8 bytes, aligned to 8, Primitive, never 0
            SharedRef
        &'a  HostHandle<'a> : 8 bytes, aligned to 8, Primitive, never 0
            SharedRef
        HostHandle<'a>: 16 bytes, aligned to 8, C
            context: *const () 
        fn(context,service,request,: *const () , param_1: RStr<'a>, param_2: RSlice<'a>)->RResult lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, ANONYMOUS], [NONE, NONE], [NONE, NONE]] })
            call: AFunctionPointer
            lifetime: PhantomData<&'a  () >
        *const () : 8 bytes, aligned to 8, Primitive
            ConstPtr
        (): 0 bytes, aligned to 1, C
        PhantomData<&'a  () >: 0 bytes, aligned to 1, C
        &'a  () : 8 bytes, aligned to 8, Primitive, never 0
            SharedRef
        RResult: 40 bytes, aligned to 8, Int(U8)
            ROk;RErr; = [0, 1] with [1, 1] fields, exhaustive: true
            field_0: RVec
            field_0: RVec
        RVec: 32 bytes, aligned to 8, C
            buffer: NonNull<u8>
            length: usize
            capacity: usize
            vtable: PrefixRef<'a, VecVTable>
            _marker: PhantomData<u8>
        NonNull<u8>: 8 bytes, aligned to 8, Transparent, never 0
            0: *const u8 
        PrefixRef<'a, VecVTable>: 8 bytes, aligned to 8, Transparent, never 0
        VecVTable: 32 bytes, aligned to 8, C
            the first 4 are always there, under a condition []
        fn()->UTypeId
            type_id: AFunctionPointer
        unsafe fn(,: RMut<'a>)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            destructor: AFunctionPointer
        unsafe fn(,,,: RMut<'a>, param_1: usize, param_2: Exactness)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            grow_capacity_to: AFunctionPointer
        unsafe fn(,: RMut<'a>)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            shrink_to_fit: AFunctionPointer
        UTypeId: 24 bytes, aligned to 8, C
            executable_identity: *const AtomicUsize 
            type_id_array: [u8;16]
        *const AtomicUsize : 8 bytes, aligned to 8, Primitive
            ConstPtr
        AtomicUsize: 8 bytes, aligned to 8, Transparent
            0: usize
        [u8;16]: 16 bytes, aligned to 1, Primitive
            Array
        RMut<'a>: 8 bytes, aligned to 8, Transparent, never 0
            ref_: NonNull<()>
            _marker: PhantomData<&'a  mut () >
        NonNull<()>: 8 bytes, aligned to 8, Transparent, never 0
            0: *const () 
        PhantomData<&'a  mut () >: 0 bytes, aligned to 1, C
        &'a  mut () : 8 bytes, aligned to 8, Primitive, never 0
            MutRef
        Exactness: 4 bytes, aligned to 4, C
            Exact;Above; = [0, 1] with [0, 0] fields, exhaustive: true
        PhantomData<u8>: 0 bytes, aligned to 1, C
    "#]].assert_eq(&text);
}

/// What a host reads before it believes any layout: the header, at its symbol.
#[test]
fn the_header_is_what_it_was() {
    assert_eq!(ROOT_MODULE_LOADER_NAME, "_1as_0lib_1header_0root_bmodule_bloader");
    let header = AbiHeader::VALUE;
    let magic = String::from_utf8_lossy(&header.magic_string);
    let (base, name) = (KindModule_Ref::BASE_NAME, KindModule_Ref::NAME);
    let module = format!("{base} {name} {}", KindModule_Ref::VERSION_STRINGS.version);
    assert_eq!(
        (magic.trim_end(), header.abi_major, header.abi_minor, module.as_str()),
        ("abi stable library for Rust", 0, 11, "carto_kind carto_kind 1.0.0")
    );
    assert_eq!(KindModule_Ref::VERSION_STRINGS.parsed().unwrap().major, crate::abi::VERSION);
    if cfg!(target_pointer_width = "64") {
        assert_eq!((size_of::<AbiHeader>(), align_of::<AbiHeader>(), size_of::<LibHeader>()), (40, 4, 152));
    }
}

/// Sections and symbols that `export_kind!` writes, and that a host looks for.
#[test]
fn sections_and_symbols_are_what_they_were() {
    use crate::abi::{MANIFEST_LIMIT, SECTION_ELF, SECTION_MACHO, SECTION_PE};
    assert_eq!((SECTION_ELF, SECTION_MACHO, SECTION_PE), (".carto_kind", "__carto_kind", ".cartok"));
    // Larger manifests may be read one day, smaller ones have to be for ever.
    const { assert!(MANIFEST_LIMIT >= 256 * 1024) };
    // The macro can't use the constants.
    let source = include_str!("../../export.rs");
    let literals: Vec<&str> = source
        .lines()
        .filter_map(|line| line.split("link_section = ").nth(1).or_else(|| line.split("export_name = ").nth(1)))
        .filter_map(|rest| rest.split('"').nth(1))
        .collect();
    assert_eq!(
        literals,
        ["__DATA,__carto_kind", SECTION_PE, SECTION_ELF, "CARTO_KIND_MANIFEST", ROOT_MODULE_LOADER_NAME]
    );
}

/// The words that cross: a kind built years ago says and expects these.
#[test]
fn the_words_are_what_they_were() {
    let codes: Vec<String> = ErrorCode::ALL.iter().map(|code| format!("{code} {}", code.exit_status())).collect();
    expect![[r#"
        failed 1
        refused_by_service 1
        unexpected_answer 1
        wider_than_asked 1
        output_failed 1
        usage 2
        invalid_argument 2
        unknown_kind 2
        unknown_verb 2
        ambiguous 2
        not_found 3
        not_signed_in 4
        wrong_credential 4
        forbidden 4
        refused_by_policy 4
        conflict 5
        unavailable 6
        rate_limited 6
        unreachable 6
        plugin_fault 7
        outcome_unknown 8
        interrupted 130"#]]
    .assert_eq(&codes.join("\n"));
    let verbs: Vec<&str> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
    assert_eq!(verbs, ["list", "create", "get", "update", "delete", "verify"]);
    assert_eq!([crate::HOST_SERVICE, crate::DATA_SERVICE, crate::AUTH_SERVICE], ["host", "data", "auth"]);
    let args = serde_json::Map::from_iter([("name".to_owned(), "R2".into())]);
    let options = serde_json::Map::from_iter([("region".to_owned(), "eu".into())]);
    let settings = crate::Settings { now: "2026-11-23T10:00:00Z".to_owned(), options, audience: Some("a".to_owned()) };
    let input = Input { id: Some("r1".to_owned()), args, cursor: Some("2".to_owned()), settings };
    let request = WireRequest {
        method: "POST".to_owned(),
        path: vec!["v3".into(), Segment::Secret { secret: Secret::new("s".to_owned()) }],
        query: vec![("k".to_owned(), "v".to_owned())],
        headers: vec![("if-match".to_owned(), "e".to_owned())],
        body: Some(serde_json::json!({ "name": "R2" })),
        bearer: None,
    };
    let tried = WireRequest { bearer: Some(Secret::new("t".to_owned())), body: None, ..request.clone() };
    let response = WireResponse { status: 200, headers: vec![("etag".to_owned(), "e".to_owned())], body: None };
    let error = Error::argument("name", "no").hint("yes");
    let mut verification = crate::Verification::new("r1");
    verification.add(crate::Check::compare("a", "b", "c", true).rule("e").hint("d"));
    verification.add(crate::Check::compare("a", "b", "c", false));
    verification.add(crate::Check::skipped("a", "b", "c"));
    verification.fact("aud", "x");
    let listing = Listing { items: vec!["r1"], next: None };
    let texts = [
        serde_json::to_string(&input),
        serde_json::to_string(&request),
        serde_json::to_string(&tried),
        serde_json::to_string(&response),
        serde_json::to_string(&error),
        serde_json::to_string(&listing),
        serde_json::to_string(&verification),
    ];
    let texts: Vec<String> = texts.into_iter().map(Result::unwrap).collect();
    expect![[r#"
        {"id":"r1","args":{"name":"R2"},"cursor":"2","settings":{"now":"2026-11-23T10:00:00Z","options":{"region":"eu"},"audience":"a"}}
        {"method":"POST","path":["v3",{"secret":"s"}],"query":[["k","v"]],"headers":[["if-match","e"]],"body":{"name":"R2"}}
        {"method":"POST","path":["v3",{"secret":"s"}],"query":[["k","v"]],"headers":[["if-match","e"]],"bearer":"t"}
        {"status":200,"headers":[["etag","e"]],"body":null}
        {"code":"invalid_argument","message":"no","argument":"name","hint":"yes"}
        {"items":["r1"],"next":null}
        {"id":"r1","checks":[{"asked":"a","expected":"b","found":"c","outcome":"passed","rule":"e","hint":"d"},{"asked":"a","expected":"b","found":"c","outcome":"failed"},{"asked":"a","expected":"b","found":"c","outcome":"skipped"}],"facts":{"aud":"x"}}"#]].assert_eq(&texts.join("\n"));
}

/// The least of each that the other side may send, and what it doesn't know: both are read.
#[test]
fn what_is_left_out_or_new_is_no_error() {
    let input: Input = serde_json::from_str(r#"{"later": 1, "settings": {"now": "x", "later": 1}}"#).unwrap();
    assert_eq!((input.id, input.args.len(), input.settings.now.as_str()), (None, 0, "x"));
    serde_json::from_str::<Input>("{}").unwrap();
    serde_json::from_str::<WireRequest>(r#"{"method": "GET", "path": [], "later": 1}"#).unwrap();
    serde_json::from_str::<WireResponse>(r#"{"status": 204, "later": 1}"#).unwrap();
    serde_json::from_str::<Error>(r#"{"code": "later", "message": "x", "later": 1}"#).unwrap();
}

#[test]
fn a_call_goes_through_the_handle_and_back() {
    struct Echo;
    impl Caller for Echo {
        fn call(&self, service: &str, request: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
            match service {
                "panic" => panic!("in the host"),
                "no" => Err(request.to_vec()),
                _ => Ok(request.to_vec()),
            }
        }
    }
    let caller: &dyn Caller = &Echo;
    let handle = HostHandle::new(&caller);
    assert_eq!(handle.call("yes", b"{}"), Ok(b"{}".to_vec()));
    assert_eq!(handle.call("no", b"{}"), Err(b"{}".to_vec()));
    let error: Error = serde_json::from_slice(&handle.call("panic", b"{}").unwrap_err()).unwrap();
    assert_eq!(error.code, crate::ErrorCode::PluginFault);
}
