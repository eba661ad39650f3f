//! The layout, as text: a change of it shows in a review, and after 1.0 must not happen.

use std::collections::BTreeSet;

use abi_stable::StableAbi;
use abi_stable::library::{ROOT_MODULE_LOADER_NAME, RootModule};
use abi_stable::type_layout::{TLData, TypeLayout};
use expect_test::expect;

use super::*;

/// Every type that the exported module reaches, once: size, alignment, fields, functions.
fn describe(layout: &'static TypeLayout, seen: &mut BTreeSet<String>, text: &mut String) {
    let name = layout.full_type().to_string();
    if !seen.insert(name.clone()) {
        return;
    }
    text.push_str(&format!("{name}: {} bytes, aligned to {}\n", layout.size(), layout.alignment()));
    let fields = match layout.data() {
        TLData::Struct { fields } | TLData::Union { fields } => fields.to_vec(),
        TLData::Enum(variants) => variants.fields.to_vec(),
        TLData::PrefixType(prefix) => prefix.fields.to_vec(),
        _ => Vec::new(),
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
        PrefixRef<'a, KindModule>: 8 bytes, aligned to 8
        KindModule: 8 bytes, aligned to 8
        fn(verb,input,host,: RStr<'a>, param_1: RSlice<'a>, param_2: &'a HostHandle<'a> )->RResult lifetime indices:Array(ArrayLen { len: 2, array: [[ANONYMOUS, ANONYMOUS], [ANONYMOUS, ANONYMOUS], [NONE, NONE]] })
            invoke: AFunctionPointer
        AFunctionPointer: 8 bytes, aligned to 8
        RStr<'a>: 16 bytes, aligned to 8
            inner: RSlice<'a>
        RSlice<'a>: 16 bytes, aligned to 8
            data: *const u8 
            length: usize
            _marker: PhantomData<&'a  u8 >
        *const u8 : 8 bytes, aligned to 8
        u8: 1 bytes, aligned to 1
        usize: 8 bytes, aligned to 8
        PhantomData<&'a  u8 >: 0 bytes, aligned to 1
        &'a  u8 : 8 bytes, aligned to 8
        &'a  HostHandle<'a> : 8 bytes, aligned to 8
        HostHandle<'a>: 16 bytes, aligned to 8
            context: *const () 
        fn(context,service,request,: *const () , param_1: RStr<'a>, param_2: RSlice<'a>)->RResult lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, ANONYMOUS], [NONE, NONE], [NONE, NONE]] })
            call: AFunctionPointer
            lifetime: PhantomData<&'a  () >
        *const () : 8 bytes, aligned to 8
        (): 0 bytes, aligned to 1
        PhantomData<&'a  () >: 0 bytes, aligned to 1
        &'a  () : 8 bytes, aligned to 8
        RResult: 40 bytes, aligned to 8
            field_0: RVec
            field_0: RVec
        RVec: 32 bytes, aligned to 8
            buffer: NonNull<u8>
            length: usize
            capacity: usize
            vtable: PrefixRef<'a, VecVTable>
            _marker: PhantomData<u8>
        NonNull<u8>: 8 bytes, aligned to 8
            0: *const u8 
        PrefixRef<'a, VecVTable>: 8 bytes, aligned to 8
        VecVTable: 32 bytes, aligned to 8
        fn()->UTypeId
            type_id: AFunctionPointer
        unsafe fn(,: RMut<'a>)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            destructor: AFunctionPointer
        unsafe fn(,,,: RMut<'a>, param_1: usize, param_2: Exactness)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            grow_capacity_to: AFunctionPointer
        unsafe fn(,: RMut<'a>)->() lifetime indices:Array(ArrayLen { len: 1, array: [[ANONYMOUS, NONE], [NONE, NONE], [NONE, NONE]] })
            shrink_to_fit: AFunctionPointer
        UTypeId: 24 bytes, aligned to 8
            executable_identity: *const AtomicUsize 
            type_id_array: [u8;16]
        *const AtomicUsize : 8 bytes, aligned to 8
        AtomicUsize: 8 bytes, aligned to 8
            0: usize
        [u8;16]: 16 bytes, aligned to 1
        RMut<'a>: 8 bytes, aligned to 8
            ref_: NonNull<()>
            _marker: PhantomData<&'a  mut () >
        NonNull<()>: 8 bytes, aligned to 8
            0: *const () 
        PhantomData<&'a  mut () >: 0 bytes, aligned to 1
        &'a  mut () : 8 bytes, aligned to 8
        Exactness: 4 bytes, aligned to 4
        PhantomData<u8>: 0 bytes, aligned to 1
    "#]].assert_eq(&text);
}

#[test]
fn the_symbol_is_the_one_that_abi_stable_looks_for() {
    assert_eq!(ROOT_MODULE_LOADER_NAME, "_1as_0lib_1header_0root_bmodule_bloader");
}

#[test]
fn the_version_is_the_abi_version() {
    let version = KindModule_Ref::VERSION_STRINGS.parsed().unwrap();
    assert_eq!(version.major, crate::abi::VERSION);
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
