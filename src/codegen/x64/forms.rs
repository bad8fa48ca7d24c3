//! Tables of instructions: the 256-bit forms of 128-bit ones, and the forms of stores that go past
//! the caches.

use super::Conversion;
use iced_x86::Code;
use iced_x86::Code::*;

/// The 256-bit form of a 128-bit instruction, if each half of the wide one does what the narrow one
/// does.
///
/// This holds for instructions that work lane by lane. It also holds for those that move bytes
/// about, because the wide ones move them within each half.
#[rustfmt::skip]
pub(super) fn wide(code: Code) -> Option<Code> {
    let wide = match code {
        // Loads and stores of any alignment.
        VEX_Vmovups_xmm_xmmm128 => VEX_Vmovups_ymm_ymmm256,
        VEX_Vmovups_xmmm128_xmm => VEX_Vmovups_ymmm256_ymm,
        VEX_Vmovupd_xmm_xmmm128 => VEX_Vmovupd_ymm_ymmm256,
        VEX_Vmovupd_xmmm128_xmm => VEX_Vmovupd_ymmm256_ymm,
        VEX_Vmovdqu_xmm_xmmm128 => VEX_Vmovdqu_ymm_ymmm256,
        VEX_Vmovdqu_xmmm128_xmm => VEX_Vmovdqu_ymmm256_ymm,
        // Stores past the caches.
        VEX_Vmovntps_m128_xmm => VEX_Vmovntps_m256_ymm,
        VEX_Vmovntpd_m128_xmm => VEX_Vmovntpd_m256_ymm,
        VEX_Vmovntdq_m128_xmm => VEX_Vmovntdq_m256_ymm,
        // Moves, which are between registers here: see `wants_aligned`.
        VEX_Vmovaps_xmm_xmmm128 => VEX_Vmovaps_ymm_ymmm256,
        VEX_Vmovaps_xmmm128_xmm => VEX_Vmovaps_ymmm256_ymm,
        VEX_Vmovapd_xmm_xmmm128 => VEX_Vmovapd_ymm_ymmm256,
        VEX_Vmovapd_xmmm128_xmm => VEX_Vmovapd_ymmm256_ymm,
        VEX_Vmovdqa_xmm_xmmm128 | Movdqa_xmm_xmmm128 => VEX_Vmovdqa_ymm_ymmm256,
        VEX_Vmovdqa_xmmm128_xmm => VEX_Vmovdqa_ymmm256_ymm,
        // Arithmetic of floats.
        VEX_Vsqrtps_xmm_xmmm128 => VEX_Vsqrtps_ymm_ymmm256,
        VEX_Vsqrtpd_xmm_xmmm128 => VEX_Vsqrtpd_ymm_ymmm256,
        VEX_Vaddps_xmm_xmm_xmmm128 => VEX_Vaddps_ymm_ymm_ymmm256,
        VEX_Vaddpd_xmm_xmm_xmmm128 => VEX_Vaddpd_ymm_ymm_ymmm256,
        VEX_Vmulps_xmm_xmm_xmmm128 => VEX_Vmulps_ymm_ymm_ymmm256,
        VEX_Vmulpd_xmm_xmm_xmmm128 => VEX_Vmulpd_ymm_ymm_ymmm256,
        VEX_Vsubps_xmm_xmm_xmmm128 => VEX_Vsubps_ymm_ymm_ymmm256,
        VEX_Vsubpd_xmm_xmm_xmmm128 => VEX_Vsubpd_ymm_ymm_ymmm256,
        VEX_Vdivps_xmm_xmm_xmmm128 => VEX_Vdivps_ymm_ymm_ymmm256,
        VEX_Vdivpd_xmm_xmm_xmmm128 => VEX_Vdivpd_ymm_ymm_ymmm256,
        VEX_Vminps_xmm_xmm_xmmm128 => VEX_Vminps_ymm_ymm_ymmm256,
        VEX_Vminpd_xmm_xmm_xmmm128 => VEX_Vminpd_ymm_ymm_ymmm256,
        VEX_Vmaxps_xmm_xmm_xmmm128 => VEX_Vmaxps_ymm_ymm_ymmm256,
        VEX_Vmaxpd_xmm_xmm_xmmm128 => VEX_Vmaxpd_ymm_ymm_ymmm256,
        VEX_Vroundps_xmm_xmmm128_imm8 => VEX_Vroundps_ymm_ymmm256_imm8,
        VEX_Vroundpd_xmm_xmmm128_imm8 => VEX_Vroundpd_ymm_ymmm256_imm8,
        // Bits, and comparisons, of floats.
        VEX_Vandps_xmm_xmm_xmmm128 => VEX_Vandps_ymm_ymm_ymmm256,
        VEX_Vandpd_xmm_xmm_xmmm128 => VEX_Vandpd_ymm_ymm_ymmm256,
        VEX_Vandnps_xmm_xmm_xmmm128 => VEX_Vandnps_ymm_ymm_ymmm256,
        VEX_Vandnpd_xmm_xmm_xmmm128 => VEX_Vandnpd_ymm_ymm_ymmm256,
        VEX_Vorps_xmm_xmm_xmmm128 => VEX_Vorps_ymm_ymm_ymmm256,
        VEX_Vorpd_xmm_xmm_xmmm128 => VEX_Vorpd_ymm_ymm_ymmm256,
        VEX_Vxorps_xmm_xmm_xmmm128 => VEX_Vxorps_ymm_ymm_ymmm256,
        VEX_Vxorpd_xmm_xmm_xmmm128 => VEX_Vxorpd_ymm_ymm_ymmm256,
        VEX_Vcmpps_xmm_xmm_xmmm128_imm8 => VEX_Vcmpps_ymm_ymm_ymmm256_imm8,
        VEX_Vcmppd_xmm_xmm_xmmm128_imm8 => VEX_Vcmppd_ymm_ymm_ymmm256_imm8,
        // Between integers and floats of 4 bytes.
        VEX_Vcvtdq2ps_xmm_xmmm128 => VEX_Vcvtdq2ps_ymm_ymmm256,
        VEX_Vcvtps2dq_xmm_xmmm128 => VEX_Vcvtps2dq_ymm_ymmm256,
        VEX_Vcvttps2dq_xmm_xmmm128 => VEX_Vcvttps2dq_ymm_ymmm256,
        // Fused multiply-adds.
        VEX_Vfmadd132ps_xmm_xmm_xmmm128 => VEX_Vfmadd132ps_ymm_ymm_ymmm256,
        VEX_Vfmadd132pd_xmm_xmm_xmmm128 => VEX_Vfmadd132pd_ymm_ymm_ymmm256,
        VEX_Vfmadd213ps_xmm_xmm_xmmm128 => VEX_Vfmadd213ps_ymm_ymm_ymmm256,
        VEX_Vfmadd213pd_xmm_xmm_xmmm128 => VEX_Vfmadd213pd_ymm_ymm_ymmm256,
        VEX_Vfmadd231ps_xmm_xmm_xmmm128 => VEX_Vfmadd231ps_ymm_ymm_ymmm256,
        VEX_Vfmadd231pd_xmm_xmm_xmmm128 => VEX_Vfmadd231pd_ymm_ymm_ymmm256,
        VEX_Vfmsub132ps_xmm_xmm_xmmm128 => VEX_Vfmsub132ps_ymm_ymm_ymmm256,
        VEX_Vfmsub132pd_xmm_xmm_xmmm128 => VEX_Vfmsub132pd_ymm_ymm_ymmm256,
        VEX_Vfmsub213ps_xmm_xmm_xmmm128 => VEX_Vfmsub213ps_ymm_ymm_ymmm256,
        VEX_Vfmsub213pd_xmm_xmm_xmmm128 => VEX_Vfmsub213pd_ymm_ymm_ymmm256,
        VEX_Vfmsub231ps_xmm_xmm_xmmm128 => VEX_Vfmsub231ps_ymm_ymm_ymmm256,
        VEX_Vfmsub231pd_xmm_xmm_xmmm128 => VEX_Vfmsub231pd_ymm_ymm_ymmm256,
        VEX_Vfnmadd132ps_xmm_xmm_xmmm128 => VEX_Vfnmadd132ps_ymm_ymm_ymmm256,
        VEX_Vfnmadd132pd_xmm_xmm_xmmm128 => VEX_Vfnmadd132pd_ymm_ymm_ymmm256,
        VEX_Vfnmadd213ps_xmm_xmm_xmmm128 => VEX_Vfnmadd213ps_ymm_ymm_ymmm256,
        VEX_Vfnmadd213pd_xmm_xmm_xmmm128 => VEX_Vfnmadd213pd_ymm_ymm_ymmm256,
        VEX_Vfnmadd231ps_xmm_xmm_xmmm128 => VEX_Vfnmadd231ps_ymm_ymm_ymmm256,
        VEX_Vfnmadd231pd_xmm_xmm_xmmm128 => VEX_Vfnmadd231pd_ymm_ymm_ymmm256,
        VEX_Vfnmsub132ps_xmm_xmm_xmmm128 => VEX_Vfnmsub132ps_ymm_ymm_ymmm256,
        VEX_Vfnmsub132pd_xmm_xmm_xmmm128 => VEX_Vfnmsub132pd_ymm_ymm_ymmm256,
        VEX_Vfnmsub213ps_xmm_xmm_xmmm128 => VEX_Vfnmsub213ps_ymm_ymm_ymmm256,
        VEX_Vfnmsub213pd_xmm_xmm_xmmm128 => VEX_Vfnmsub213pd_ymm_ymm_ymmm256,
        VEX_Vfnmsub231ps_xmm_xmm_xmmm128 => VEX_Vfnmsub231ps_ymm_ymm_ymmm256,
        VEX_Vfnmsub231pd_xmm_xmm_xmmm128 => VEX_Vfnmsub231pd_ymm_ymm_ymmm256,
        // Arithmetic of integers.
        VEX_Vpaddb_xmm_xmm_xmmm128 => VEX_Vpaddb_ymm_ymm_ymmm256,
        VEX_Vpaddw_xmm_xmm_xmmm128 => VEX_Vpaddw_ymm_ymm_ymmm256,
        VEX_Vpaddd_xmm_xmm_xmmm128 => VEX_Vpaddd_ymm_ymm_ymmm256,
        VEX_Vpaddq_xmm_xmm_xmmm128 => VEX_Vpaddq_ymm_ymm_ymmm256,
        VEX_Vpsubb_xmm_xmm_xmmm128 => VEX_Vpsubb_ymm_ymm_ymmm256,
        VEX_Vpsubw_xmm_xmm_xmmm128 => VEX_Vpsubw_ymm_ymm_ymmm256,
        VEX_Vpsubd_xmm_xmm_xmmm128 => VEX_Vpsubd_ymm_ymm_ymmm256,
        VEX_Vpsubq_xmm_xmm_xmmm128 => VEX_Vpsubq_ymm_ymm_ymmm256,
        VEX_Vpmullw_xmm_xmm_xmmm128 => VEX_Vpmullw_ymm_ymm_ymmm256,
        VEX_Vpmulld_xmm_xmm_xmmm128 => VEX_Vpmulld_ymm_ymm_ymmm256,
        VEX_Vpmuludq_xmm_xmm_xmmm128 => VEX_Vpmuludq_ymm_ymm_ymmm256,
        VEX_Vpmuldq_xmm_xmm_xmmm128 => VEX_Vpmuldq_ymm_ymm_ymmm256,
        VEX_Vpabsb_xmm_xmmm128 => VEX_Vpabsb_ymm_ymmm256,
        VEX_Vpabsw_xmm_xmmm128 => VEX_Vpabsw_ymm_ymmm256,
        VEX_Vpabsd_xmm_xmmm128 => VEX_Vpabsd_ymm_ymmm256,
        // Bits, comparisons and extrema of integers.
        VEX_Vpand_xmm_xmm_xmmm128 => VEX_Vpand_ymm_ymm_ymmm256,
        VEX_Vpandn_xmm_xmm_xmmm128 => VEX_Vpandn_ymm_ymm_ymmm256,
        VEX_Vpor_xmm_xmm_xmmm128 => VEX_Vpor_ymm_ymm_ymmm256,
        VEX_Vpxor_xmm_xmm_xmmm128 => VEX_Vpxor_ymm_ymm_ymmm256,
        VEX_Vpcmpeqb_xmm_xmm_xmmm128 => VEX_Vpcmpeqb_ymm_ymm_ymmm256,
        VEX_Vpcmpeqw_xmm_xmm_xmmm128 => VEX_Vpcmpeqw_ymm_ymm_ymmm256,
        VEX_Vpcmpeqd_xmm_xmm_xmmm128 => VEX_Vpcmpeqd_ymm_ymm_ymmm256,
        VEX_Vpcmpeqq_xmm_xmm_xmmm128 => VEX_Vpcmpeqq_ymm_ymm_ymmm256,
        VEX_Vpcmpgtb_xmm_xmm_xmmm128 => VEX_Vpcmpgtb_ymm_ymm_ymmm256,
        VEX_Vpcmpgtw_xmm_xmm_xmmm128 => VEX_Vpcmpgtw_ymm_ymm_ymmm256,
        VEX_Vpcmpgtd_xmm_xmm_xmmm128 => VEX_Vpcmpgtd_ymm_ymm_ymmm256,
        VEX_Vpcmpgtq_xmm_xmm_xmmm128 => VEX_Vpcmpgtq_ymm_ymm_ymmm256,
        VEX_Vpminub_xmm_xmm_xmmm128 => VEX_Vpminub_ymm_ymm_ymmm256,
        VEX_Vpminuw_xmm_xmm_xmmm128 => VEX_Vpminuw_ymm_ymm_ymmm256,
        VEX_Vpminud_xmm_xmm_xmmm128 => VEX_Vpminud_ymm_ymm_ymmm256,
        VEX_Vpminsb_xmm_xmm_xmmm128 => VEX_Vpminsb_ymm_ymm_ymmm256,
        VEX_Vpminsw_xmm_xmm_xmmm128 => VEX_Vpminsw_ymm_ymm_ymmm256,
        VEX_Vpminsd_xmm_xmm_xmmm128 => VEX_Vpminsd_ymm_ymm_ymmm256,
        VEX_Vpmaxub_xmm_xmm_xmmm128 => VEX_Vpmaxub_ymm_ymm_ymmm256,
        VEX_Vpmaxuw_xmm_xmm_xmmm128 => VEX_Vpmaxuw_ymm_ymm_ymmm256,
        VEX_Vpmaxud_xmm_xmm_xmmm128 => VEX_Vpmaxud_ymm_ymm_ymmm256,
        VEX_Vpmaxsb_xmm_xmm_xmmm128 => VEX_Vpmaxsb_ymm_ymm_ymmm256,
        VEX_Vpmaxsw_xmm_xmm_xmmm128 => VEX_Vpmaxsw_ymm_ymm_ymmm256,
        VEX_Vpmaxsd_xmm_xmm_xmmm128 => VEX_Vpmaxsd_ymm_ymm_ymmm256,
        // Shifts by an immediate. Shifts of whole bytes stay within halves.
        VEX_Vpsrlw_xmm_xmm_imm8 => VEX_Vpsrlw_ymm_ymm_imm8,
        VEX_Vpsrld_xmm_xmm_imm8 => VEX_Vpsrld_ymm_ymm_imm8,
        VEX_Vpsrlq_xmm_xmm_imm8 => VEX_Vpsrlq_ymm_ymm_imm8,
        VEX_Vpsraw_xmm_xmm_imm8 => VEX_Vpsraw_ymm_ymm_imm8,
        VEX_Vpsrad_xmm_xmm_imm8 => VEX_Vpsrad_ymm_ymm_imm8,
        VEX_Vpsllw_xmm_xmm_imm8 => VEX_Vpsllw_ymm_ymm_imm8,
        VEX_Vpslld_xmm_xmm_imm8 => VEX_Vpslld_ymm_ymm_imm8,
        VEX_Vpsllq_xmm_xmm_imm8 => VEX_Vpsllq_ymm_ymm_imm8,
        VEX_Vpsrldq_xmm_xmm_imm8 => VEX_Vpsrldq_ymm_ymm_imm8,
        VEX_Vpslldq_xmm_xmm_imm8 => VEX_Vpslldq_ymm_ymm_imm8,
        // Moves of lanes within halves.
        VEX_Vpunpcklbw_xmm_xmm_xmmm128 => VEX_Vpunpcklbw_ymm_ymm_ymmm256,
        VEX_Vpunpcklwd_xmm_xmm_xmmm128 => VEX_Vpunpcklwd_ymm_ymm_ymmm256,
        VEX_Vpunpckldq_xmm_xmm_xmmm128 => VEX_Vpunpckldq_ymm_ymm_ymmm256,
        VEX_Vpunpcklqdq_xmm_xmm_xmmm128 => VEX_Vpunpcklqdq_ymm_ymm_ymmm256,
        VEX_Vpunpckhbw_xmm_xmm_xmmm128 => VEX_Vpunpckhbw_ymm_ymm_ymmm256,
        VEX_Vpunpckhwd_xmm_xmm_xmmm128 => VEX_Vpunpckhwd_ymm_ymm_ymmm256,
        VEX_Vpunpckhdq_xmm_xmm_xmmm128 => VEX_Vpunpckhdq_ymm_ymm_ymmm256,
        VEX_Vpunpckhqdq_xmm_xmm_xmmm128 => VEX_Vpunpckhqdq_ymm_ymm_ymmm256,
        VEX_Vpacksswb_xmm_xmm_xmmm128 => VEX_Vpacksswb_ymm_ymm_ymmm256,
        VEX_Vpackssdw_xmm_xmm_xmmm128 => VEX_Vpackssdw_ymm_ymm_ymmm256,
        VEX_Vpackuswb_xmm_xmm_xmmm128 => VEX_Vpackuswb_ymm_ymm_ymmm256,
        VEX_Vpackusdw_xmm_xmm_xmmm128 => VEX_Vpackusdw_ymm_ymm_ymmm256,
        VEX_Vpalignr_xmm_xmm_xmmm128_imm8 => VEX_Vpalignr_ymm_ymm_ymmm256_imm8,
        VEX_Vshufps_xmm_xmm_xmmm128_imm8 => VEX_Vshufps_ymm_ymm_ymmm256_imm8,
        VEX_Vshufpd_xmm_xmm_xmmm128_imm8 => VEX_Vshufpd_ymm_ymm_ymmm256_imm8,
        VEX_Vunpcklps_xmm_xmm_xmmm128 => VEX_Vunpcklps_ymm_ymm_ymmm256,
        VEX_Vunpcklpd_xmm_xmm_xmmm128 => VEX_Vunpcklpd_ymm_ymm_ymmm256,
        VEX_Vunpckhps_xmm_xmm_xmmm128 => VEX_Vunpckhps_ymm_ymm_ymmm256,
        VEX_Vunpckhpd_xmm_xmm_xmmm128 => VEX_Vunpckhpd_ymm_ymm_ymmm256,
        // Both move the first half of the second source behind the first half of the first one.
        VEX_Vmovlhps_xmm_xmm_xmm => VEX_Vunpcklpd_ymm_ymm_ymmm256,
        VEX_Vpshufb_xmm_xmm_xmmm128 => VEX_Vpshufb_ymm_ymm_ymmm256,
        VEX_Vpshufd_xmm_xmmm128_imm8 => VEX_Vpshufd_ymm_ymmm256_imm8,
        VEX_Vpshufhw_xmm_xmmm128_imm8 => VEX_Vpshufhw_ymm_ymmm256_imm8,
        VEX_Vpshuflw_xmm_xmmm128_imm8 => VEX_Vpshuflw_ymm_ymmm256_imm8,
        // Blends.
        VEX_Vblendvps_xmm_xmm_xmmm128_xmm => VEX_Vblendvps_ymm_ymm_ymmm256_ymm,
        VEX_Vblendvpd_xmm_xmm_xmmm128_xmm => VEX_Vblendvpd_ymm_ymm_ymmm256_ymm,
        VEX_Vpblendvb_xmm_xmm_xmmm128_xmm => VEX_Vpblendvb_ymm_ymm_ymmm256_ymm,
        // Instructions of AVX-512. Cranelift uses them where AVX2 has no such instruction.
        EVEX_Vpmullq_xmm_k1z_xmm_xmmm128b64 => EVEX_Vpmullq_ymm_k1z_ymm_ymmm256b64,
        EVEX_Vpabsq_xmm_k1z_xmmm128b64 => EVEX_Vpabsq_ymm_k1z_ymmm256b64,
        EVEX_Vcvtudq2ps_xmm_k1z_xmmm128b32 => EVEX_Vcvtudq2ps_ymm_k1z_ymmm256b32,
        EVEX_Vpsraq_xmm_k1z_xmmm128b64_imm8 => EVEX_Vpsraq_ymm_k1z_ymmm256b64_imm8,
        _ => return None,
    };
    Some(wide)
}

/// The wide form of an instruction whose halves are not independent, with what has to be done
/// around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crossing {
    /// The wide instruction reads one narrow register. The first quarters of both halves have to be
    /// brought together there.
    Widening(Code),
    /// The wide instruction writes one narrow register. Its two quarters have to go to the first
    /// quarters of both halves.
    Narrowing(Code),
}

/// The wide form of an instruction that changes the width of lanes.
///
/// The narrow ones read the first half of a register, or write it and clear the rest.
pub(super) fn crossing(code: Code) -> Option<Crossing> {
    use Crossing::{Narrowing, Widening};
    let crossing = match code {
        VEX_Vpmovsxbw_xmm_xmmm64 => Widening(VEX_Vpmovsxbw_ymm_xmmm128),
        VEX_Vpmovsxwd_xmm_xmmm64 => Widening(VEX_Vpmovsxwd_ymm_xmmm128),
        VEX_Vpmovsxdq_xmm_xmmm64 => Widening(VEX_Vpmovsxdq_ymm_xmmm128),
        VEX_Vpmovzxbw_xmm_xmmm64 => Widening(VEX_Vpmovzxbw_ymm_xmmm128),
        VEX_Vpmovzxwd_xmm_xmmm64 => Widening(VEX_Vpmovzxwd_ymm_xmmm128),
        VEX_Vpmovzxdq_xmm_xmmm64 => Widening(VEX_Vpmovzxdq_ymm_xmmm128),
        VEX_Vcvtdq2pd_xmm_xmmm64 => Widening(VEX_Vcvtdq2pd_ymm_xmmm128),
        VEX_Vcvtps2pd_xmm_xmmm64 => Widening(VEX_Vcvtps2pd_ymm_xmmm128),
        VEX_Vcvtpd2ps_xmm_xmmm128 => Narrowing(VEX_Vcvtpd2ps_xmm_ymmm256),
        VEX_Vcvtpd2dq_xmm_xmmm128 => Narrowing(VEX_Vcvtpd2dq_xmm_ymmm256),
        VEX_Vcvttpd2dq_xmm_xmmm128 => Narrowing(VEX_Vcvttpd2dq_xmm_ymmm256),
        _ => return None,
    };
    Some(crossing)
}

/// The instruction that loads and converts lanes: into a wide register, and into a narrow one.
pub(super) fn converting(conversion: Conversion) -> Option<[Code; 2]> {
    let codes = match conversion {
        Conversion::Extend { from: 1, to: 2, signed: true } => [VEX_Vpmovsxbw_ymm_xmmm128, VEX_Vpmovsxbw_xmm_xmmm64],
        Conversion::Extend { from: 1, to: 4, signed: true } => [VEX_Vpmovsxbd_ymm_xmmm64, VEX_Vpmovsxbd_xmm_xmmm32],
        Conversion::Extend { from: 1, to: 8, signed: true } => [VEX_Vpmovsxbq_ymm_xmmm32, VEX_Vpmovsxbq_xmm_xmmm16],
        Conversion::Extend { from: 2, to: 4, signed: true } => [VEX_Vpmovsxwd_ymm_xmmm128, VEX_Vpmovsxwd_xmm_xmmm64],
        Conversion::Extend { from: 2, to: 8, signed: true } => [VEX_Vpmovsxwq_ymm_xmmm64, VEX_Vpmovsxwq_xmm_xmmm32],
        Conversion::Extend { from: 4, to: 8, signed: true } => [VEX_Vpmovsxdq_ymm_xmmm128, VEX_Vpmovsxdq_xmm_xmmm64],
        Conversion::Extend { from: 1, to: 2, .. } => [VEX_Vpmovzxbw_ymm_xmmm128, VEX_Vpmovzxbw_xmm_xmmm64],
        Conversion::Extend { from: 1, to: 4, .. } => [VEX_Vpmovzxbd_ymm_xmmm64, VEX_Vpmovzxbd_xmm_xmmm32],
        Conversion::Extend { from: 1, to: 8, .. } => [VEX_Vpmovzxbq_ymm_xmmm32, VEX_Vpmovzxbq_xmm_xmmm16],
        Conversion::Extend { from: 2, to: 4, .. } => [VEX_Vpmovzxwd_ymm_xmmm128, VEX_Vpmovzxwd_xmm_xmmm64],
        Conversion::Extend { from: 2, to: 8, .. } => [VEX_Vpmovzxwq_ymm_xmmm64, VEX_Vpmovzxwq_xmm_xmmm32],
        Conversion::Extend { from: 4, to: 8, .. } => [VEX_Vpmovzxdq_ymm_xmmm128, VEX_Vpmovzxdq_xmm_xmmm64],
        Conversion::IntToFloat => [VEX_Vcvtdq2pd_ymm_xmmm128, VEX_Vcvtdq2pd_xmm_xmmm64],
        Conversion::FloatToFloat => [VEX_Vcvtps2pd_ymm_xmmm128, VEX_Vcvtps2pd_xmm_xmmm64],
        Conversion::Extend { .. } => return None,
    };
    Some(codes)
}

/// The load that stands for those of [`converting`].
pub(super) const MARKED_LOAD: Code = VEX_Vpmovsxdq_xmm_xmmm64;

/// True for instructions that may stay narrow in a wide loop: they move elements between memory and
/// a register, or within a register, and clear the other half of what they write.
pub(super) fn stays_narrow(code: Code) -> bool {
    is_unaligned_move(code)
        || matches!(
            code,
            VEX_Vmovsd_xmm_m64
                | VEX_Vmovsd_m64_xmm
                | VEX_Vmovss_xmm_m32
                | VEX_Vmovss_m32_xmm
                | VEX_Vmovq_xmm_xmmm64
                | VEX_Vmovq_xmmm64_xmm
                | VEX_Vmovq_xmm_rm64
                | VEX_Vmovq_rm64_xmm
                | VEX_Vmovd_xmm_rm32
                | VEX_Vmovd_rm32_xmm
                | VEX_Vpextrb_r32m8_xmm_imm8
                | VEX_Vpextrb_r64m8_xmm_imm8
                | VEX_Vpextrw_r32m16_xmm_imm8
                | VEX_Vpextrw_r64m16_xmm_imm8
                | VEX_Vpextrd_rm32_xmm_imm8
                | VEX_Vpextrq_rm64_xmm_imm8
                | VEX_Vpshufd_xmm_xmmm128_imm8
                | VEX_Vpshufb_xmm_xmm_xmmm128
        )
}

/// True for instructions that only copy a whole register, to another one or to memory or from
/// there.
pub(super) fn is_move(code: Code) -> bool {
    wants_aligned(code) || is_unaligned_move(code) || matches!(code, Movdqu_xmm_xmmm128 | Movdqu_xmmm128_xmm)
}

/// The copies of a whole register with VEX, whose place in memory may have any alignment.
fn is_unaligned_move(code: Code) -> bool {
    matches!(
        code,
        VEX_Vmovups_xmm_xmmm128
            | VEX_Vmovups_xmmm128_xmm
            | VEX_Vmovupd_xmm_xmmm128
            | VEX_Vmovupd_xmmm128_xmm
            | VEX_Vmovdqu_xmm_xmmm128
            | VEX_Vmovdqu_xmmm128_xmm
    )
}

/// True for instructions that trap where their operand in memory is not aligned to a register.
pub(super) fn wants_aligned(code: Code) -> bool {
    matches!(
        code,
        VEX_Vmovaps_xmm_xmmm128
            | VEX_Vmovaps_xmmm128_xmm
            | VEX_Vmovapd_xmm_xmmm128
            | VEX_Vmovapd_xmmm128_xmm
            | VEX_Vmovdqa_xmm_xmmm128
            | VEX_Vmovdqa_xmmm128_xmm
            | Movdqa_xmm_xmmm128
    )
}

/// True for instructions whose first operand is read and written.
pub(super) fn reads_result(code: Code) -> bool {
    matches!(
        code,
        VEX_Vfmadd132ps_xmm_xmm_xmmm128
            | VEX_Vfmadd132pd_xmm_xmm_xmmm128
            | VEX_Vfmadd213ps_xmm_xmm_xmmm128
            | VEX_Vfmadd213pd_xmm_xmm_xmmm128
            | VEX_Vfmadd231ps_xmm_xmm_xmmm128
            | VEX_Vfmadd231pd_xmm_xmm_xmmm128
            | VEX_Vfmsub132ps_xmm_xmm_xmmm128
            | VEX_Vfmsub132pd_xmm_xmm_xmmm128
            | VEX_Vfmsub213ps_xmm_xmm_xmmm128
            | VEX_Vfmsub213pd_xmm_xmm_xmmm128
            | VEX_Vfmsub231ps_xmm_xmm_xmmm128
            | VEX_Vfmsub231pd_xmm_xmm_xmmm128
            | VEX_Vfnmadd132ps_xmm_xmm_xmmm128
            | VEX_Vfnmadd132pd_xmm_xmm_xmmm128
            | VEX_Vfnmadd213ps_xmm_xmm_xmmm128
            | VEX_Vfnmadd213pd_xmm_xmm_xmmm128
            | VEX_Vfnmadd231ps_xmm_xmm_xmmm128
            | VEX_Vfnmadd231pd_xmm_xmm_xmmm128
            | VEX_Vfnmsub132ps_xmm_xmm_xmmm128
            | VEX_Vfnmsub132pd_xmm_xmm_xmmm128
            | VEX_Vfnmsub213ps_xmm_xmm_xmmm128
            | VEX_Vfnmsub213pd_xmm_xmm_xmmm128
            | VEX_Vfnmsub231ps_xmm_xmm_xmmm128
            | VEX_Vfnmsub231pd_xmm_xmm_xmmm128
    )
}

/// True for instructions that give the same result for every register that is both of their
/// sources: zero, or all ones.
pub(super) fn is_the_same_for_any(code: Code) -> bool {
    matches!(
        code,
        VEX_Vpxor_xmm_xmm_xmmm128
            | VEX_Vxorps_xmm_xmm_xmmm128
            | VEX_Vxorpd_xmm_xmm_xmmm128
            | VEX_Vpcmpeqb_xmm_xmm_xmmm128
            | VEX_Vpcmpeqw_xmm_xmm_xmmm128
            | VEX_Vpcmpeqd_xmm_xmm_xmmm128
            | VEX_Vpcmpeqq_xmm_xmm_xmmm128
    )
}

/// The form of a store of a whole 128-bit register that goes past the caches.
pub(super) fn streaming(code: Code) -> Option<Code> {
    let streaming = match code {
        VEX_Vmovups_xmmm128_xmm | VEX_Vmovaps_xmmm128_xmm => VEX_Vmovntps_m128_xmm,
        VEX_Vmovupd_xmmm128_xmm | VEX_Vmovapd_xmmm128_xmm => VEX_Vmovntpd_m128_xmm,
        VEX_Vmovdqu_xmmm128_xmm | VEX_Vmovdqa_xmmm128_xmm => VEX_Vmovntdq_m128_xmm,
        Movups_xmmm128_xmm | Movaps_xmmm128_xmm => Movntps_m128_xmm,
        Movupd_xmmm128_xmm | Movapd_xmmm128_xmm => Movntpd_m128_xmm,
        Movdqu_xmmm128_xmm | Movdqa_xmmm128_xmm => Movntdq_m128_xmm,
        _ => return None,
    };
    Some(streaming)
}
