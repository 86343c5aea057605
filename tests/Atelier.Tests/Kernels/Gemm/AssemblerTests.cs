using Atelier.Kernels.Gemm;
using Shouldly;

namespace Atelier.Tests.Kernels.Gemm;

/// <summary>Instructions beside the bytes that GNU as 2.40 makes of them, with all offsets in 32 bits.</summary>
public sealed class AssemblerTests
{
    [Fact]
    public void Instructions_are_those_of_another_assembler()
    {
        ShouldBe("62 E2 16 40 52 CB", a => a.AddProducts(17, 29, 3)); // vdpbf16ps zmm17, zmm29, zmm3
        ShouldBe("62 92 4E 48 52 DC", a => a.AddProducts(3, 6, 28)); // vdpbf16ps zmm3, zmm6, zmm28
        // vbroadcastss zmm25, [rax+rdx*4]
        ShouldBe("62 62 7D 48 18 8C 90 00 00 00 00", a => a.Broadcast(25, new(Register.Rax, 0, Register.Rdx, 4)));
        // vbroadcastss zmm24, [rax+r11]
        ShouldBe("62 22 7D 48 18 84 18 00 00 00 00", a => a.Broadcast(24, new(Register.Rax, 0, Register.R11)));
        // vmovups zmm28, [rcx+0x40]
        ShouldBe("62 61 7C 48 10 A1 40 00 00 00", a => a.LoadVector(28, new(Register.Rcx, 0x40)));
        // vmovups [r9+0xC0], zmm31
        ShouldBe("62 41 7C 48 11 B9 C0 00 00 00", a => a.StoreVector(new(Register.R9, 0xC0), 31));
        // vaddps zmm9, zmm9, [rcx+0x80]
        ShouldBe("62 71 34 48 58 89 80 00 00 00", a => a.AddVector(9, new(Register.Rcx, 0x80)));
        ShouldBe("62 A2 7E 48 72 E4", a => a.Round(20, 20)); // vcvtneps2bf16 ymm20, zmm20
        // vmovups [rcx+0x20], ymm20
        ShouldBe("62 E1 7C 28 11 A1 20 00 00 00", a => a.StoreHalf(new(Register.Rcx, 0x20), 20));
        ShouldBe("62 11 7C 48 10 E3", a => a.Move(12, 27)); // vmovups zmm12, zmm27
        ShouldBe("4C 8B 97 18 00 00 00", a => a.Load(Register.R10, new(Register.Rdi, 0x18))); // mov r10, [rdi+0x18]
        ShouldBe("48 89 8F 28 00 00 00", a => a.Store(new(Register.Rdi, 0x28), Register.Rcx)); // mov [rdi+0x28], rcx
        // lea r11, [rdx+rdx*4]
        ShouldBe("4C 8D 9C 92 00 00 00 00", a => a.LoadAddress(Register.R11, new(Register.Rdx, 0, Register.Rdx, 4)));
        ShouldBe("48 01 F0", a => a.Add(Register.Rax, Register.Rsi)); // add rax, rsi
        ShouldBe("4C 01 C9", a => a.Add(Register.Rcx, Register.R9)); // add rcx, r9
        ShouldBe("49 FF C8", a => a.Decrement(Register.R8)); // dec r8
        ShouldBe("48 FF 8F 48 00 00 00", a => a.Decrement(new Address(Register.Rdi, 0x48))); // dec qword ptr [rdi+0x48]
        ShouldBe("C5 F8 77 C3", a => a.Return()); // vzeroupper, ret
        ShouldBe("49 81 C2 40 00 00 00", a => a.AddNumber(Register.R10, 0x40)); // add r10, 0x40
        ShouldBe("49 89 F0", a => a.Move(Register.R8, Register.Rsi)); // mov r8, rsi
        ShouldBe("4D 31 C0", a => a.Clear(Register.R8)); // xor r8, r8
    }

    [Fact]
    public void Instructions_of_tiles_are_those_of_another_assembler()
    {
        ShouldBe("C4 E2 78 49 80 00 00 00 00", a => a.LoadTileShapes(new(Register.Rax))); // ldtilecfg [rax]
        // tileloadd tmm5, [rcx+r9+0x40]
        ShouldBe("C4 A2 7B 4B AC 09 40 00 00 00", a => a.LoadTile(5, new(Register.Rcx, 0x40, Register.R9)));
        // tilestored [rcx+r8], tmm2
        ShouldBe("C4 A2 7A 4B 94 01 00 00 00 00", a => a.StoreTile(new(Register.Rcx, 0, Register.R8), 2));
        ShouldBe("C4 E2 52 5C DC", a => a.AddTileProducts(3, 4, 5)); // tdpbf16ps tmm3, tmm4, tmm5
        ShouldBe("C4 E2 42 5C CE", a => a.AddTileProducts(1, 6, 7)); // tdpbf16ps tmm1, tmm6, tmm7
        ShouldBe("C4 E2 78 49 C0", a => a.ReleaseTiles()); // tilerelease
    }

    [Fact]
    public void A_jump_goes_back_from_its_own_end()
    {
        var assembler = new Assembler();
        int loop = assembler.Position;
        assembler.Decrement(Register.R8); // three bytes
        assembler.JumpBackUnlessZero(loop); // six more
        Convert.ToHexString(assembler.Code).ShouldBe("49FFC8" + "0F85F7FFFFFF"); // jnz -9
    }

    private static void ShouldBe(string bytes, Action<Assembler> write)
    {
        var assembler = new Assembler();
        write(assembler);
        string.Join(' ', assembler.Code.Select(b => $"{b:X2}")).ShouldBe(bytes);
    }
}
