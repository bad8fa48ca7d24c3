//! The instruction set that kernels are compiled for: the host's, or less if `NDEXPR_CPU` says so.

use crate::options::Registers;
use crate::outline::{Machine, Width};
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use ndexpr_runtime::arch::CpuLevel;
use ndexpr_runtime::math::WideFn;
use once_cell::race::OnceBox;

/// An instruction set with its flags pinned.
pub(crate) struct Target {
    isa: OwnedTargetIsa,
    machine: Machine,
    is_x86: bool,
    has_avx: bool,
}

impl Target {
    /// The instruction set of the host, at the level that the process runs at. None if Cranelift
    /// has no back end for it.
    pub(crate) fn host(registers: Registers) -> Option<&'static Target> {
        static HOST: [OnceBox<Option<Target>>; 2] = [OnceBox::new(), OnceBox::new()];
        let make = || {
            let level = CpuLevel::current();
            let builder =
                if level == CpuLevel::highest() { cranelift_native::builder().ok()? } else { lowered_x86(level)? };
            let target = Target::new(builder)?;
            let machine = match registers {
                Registers::Widest => target.machine,
                Registers::Bits128 => target.machine.narrow(),
            };
            Some(Target { machine, ..target })
        };
        HOST[registers as usize].get_or_init(|| Box::new(make())).as_ref()
    }

    /// The instruction set of 64-bit Arm, which can be compiled for on any host.
    #[cfg(test)]
    pub(crate) fn aarch64() -> Option<Target> {
        Target::new(isa::lookup_by_name("aarch64").ok()?)
    }

    fn new(builder: isa::Builder) -> Option<Target> {
        let isa = builder.finish(flags()).ok()?;
        let is_x86 = isa.name() == "x64";
        let has = |name: &str| isa.isa_flags().iter().any(|flag| flag.name == name && flag.as_bool() == Some(true));
        let has_avx = is_x86 && has("has_avx");
        let has_fma = !is_x86 || (has_avx && has("has_fma"));
        let machine = Machine {
            width: Width::Bits128,
            // There are registers of 256 bits if they can do what those of 128 can.
            wide: (has_avx && has("has_avx2")).then_some(Width::Bits256),
            n_registers: 16,
            line_bytes: 64,
            has_fma,
            has_wider_calls: is_x86 && WideFn::is_wide(),
        };
        Some(Target { isa, machine, is_x86, has_avx })
    }

    pub(super) fn isa(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    pub(super) fn shared_isa(&self) -> OwnedTargetIsa {
        self.isa.clone()
    }

    pub(super) fn is_x86(&self) -> bool {
        self.is_x86
    }

    /// True if instructions on registers take an operand from memory only if it is aligned to a
    /// register, as on x86 before AVX.
    pub(super) fn wants_aligned_operands(&self) -> bool {
        self.is_x86 && !self.has_avx
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }
}

/// An x86-64 host without the instructions above a level. No other architecture has a level below
/// its highest.
fn lowered_x86(level: CpuLevel) -> Option<isa::Builder> {
    const BASE: &[&str] = &["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"];
    const AVX2: &[&str] = &["has_avx", "has_avx2", "has_fma", "has_bmi1", "has_bmi2", "has_lzcnt"];
    let mut builder = cranelift_native::builder_with_options(false).ok()?;
    #[cfg(target_arch = "x86_64")]
    {
        // `CpuLevel::current` gives a level only if the host has all of it. A host that is lowered
        // has more than the lowest level.
        let names = BASE.iter().chain(if level >= CpuLevel::Avx2 { AVX2 } else { &[] });
        for name in names {
            builder.enable(name).ok()?;
        }
    }
    Some(builder)
}

fn flags() -> Flags {
    let mut builder = settings::builder();
    let mut set = |name: &str, value: &str| {
        builder.set(name, value).expect("a flag of the pinned Cranelift version");
    };
    // Folding, sharing and scheduling are done on the graph and the tape; the optimiser would undo
    // the interleaving. Chosen by "cranelift-optimiser" in docs/measurements.md.
    set("opt_level", "none");
    set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" });
    // Kernels do not unwind, and call nothing that does.
    set("unwind_info", if cfg!(windows) { "true" } else { "false" });
    // A frame may be larger than the page that guards the stack, so its pages are touched in order.
    set("enable_probestack", "true");
    set("probestack_strategy", "inline");
    set("is_pic", "false");
    set("use_colocated_libcalls", "false");
    // Functions are aligned to 32 bytes, which x86 front ends fetch at once.
    set("log2_min_function_alignment", "5");
    Flags::new(builder)
}
