using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Atelier.Tensors;

namespace Atelier.Kernels.Gemm;

/// <summary>What becomes of a tile's sums.</summary>
internal enum GemmOutput
{
    /// <summary>C = A B in fp32.</summary>
    Single,

    /// <summary>C += A B in fp32.</summary>
    Added,

    /// <summary>C = A B in bf16, rounded once.</summary>
    Bf16,
}

/// <summary>The arguments of a microkernel: consecutive fields of eight bytes each.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GemmWork
{
    /// <summary>The pair of numbers of A's first row and first two columns. Moves on with the blocks.</summary>
    public byte* A;

    /// <summary>Bytes from one row of A to the next.</summary>
    public long ARow;

    /// <summary>Bytes from one pair of columns of A to the next.</summary>
    public long APair;

    /// <summary>The first two rows of B, their numbers side by side: a pair a column.</summary>
    public byte* B;

    /// <summary>Bytes from one pair of rows of B to the next.</summary>
    public long BPair;

    /// <summary>The first row of C. Moves on with the blocks.</summary>
    public byte* C;

    /// <summary>Bytes from one row of C to the next.</summary>
    public long CRow;

    /// <summary>What the sums of each row begin with, fp32.</summary>
    public float* Start;

    /// <summary>Pairs of columns of A and rows of B, from 1.</summary>
    public long Pairs;

    /// <summary>Blocks of rows, from 1. Counted down.</summary>
    public long Blocks;
}

/// <summary>
/// Sums of products of bf16 numbers in fp32, a block of up to six rows of C by up to four registers of columns at a
/// time, which stays in 24 registers while a row of pairs of B after another is multiplied by pairs of A (Goto and van
/// de Geijn 2008, section 6, with registers in place of their cache): 24 products, for four loads of B and six of A. As
/// many blocks as there are, one below another.
/// </summary>
internal static unsafe class GemmMicrokernel
{
    /// <summary>The most rows of a block.</summary>
    public const int MostRows = 6;

    /// <summary>The most registers of a row.</summary>
    public const int MostRegisters = 4;

    private const int FirstOfB = 28, FirstOfA = 24, RegisterBytes = 64, Outputs = 3;
    private static readonly nint[] Functions = Make();

    /// <summary>Whether this processor and system have what it takes.</summary>
    public static bool IsSupported { get; } = Functions.Length > 0;

    /// <summary>Computes blocks of C.</summary>
    /// <param name="rows">Of a block, 1 to 6.</param>
    /// <param name="registers">Of a row, 1 to 4: sixteen columns each.</param>
    /// <param name="output">What becomes of the sums.</param>
    /// <param name="work">The rest; its fields are changed.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(int rows, int registers, GemmOutput output, ref GemmWork work)
    {
        fixed (GemmWork* told = &work)
            ((delegate* unmanaged<GemmWork*, void>)Functions[Index(rows, registers, output)])(told);
    }

    /// <summary>The same for what is done in a few microseconds: the garbage collector waits for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RunBriefly(int rows, int registers, GemmOutput output, ref GemmWork work)
    {
        fixed (GemmWork* told = &work)
            ((delegate* unmanaged[SuppressGCTransition]<GemmWork*,
                void>)Functions[Index(rows, registers, output)])(told);
    }

    private static int Index(int rows, int registers, GemmOutput output) =>
        ((((int)output * MostRows) + rows - 1) * MostRegisters) + registers - 1;

    private static nint[] Make()
    {
        if (!MachineCode.IsSupported || !Avx512F.IsSupported || !Instructions.HasAvx512Bf16)
            return [];
        var assembler = new Assembler();
        var places = new int[Outputs * MostRows * MostRegisters];
        foreach (GemmOutput output in Enum.GetValues<GemmOutput>())
        {
            for (int rows = 1; rows <= MostRows; rows++)
            {
                for (int registers = 1; registers <= MostRegisters; registers++)
                {
                    places[Index(rows, registers, output)] = assembler.Position;
                    Write(assembler, rows, registers, output);
                }
            }
        }
        nint start = MachineCode.Publish(assembler.Code);
        return start == 0 ? [] : [.. places.Select(place => start + place)];
    }

    /// <summary>One function: rdi holds the address of its <see cref="GemmWork"/>.</summary>
    private static void Write(Assembler to, int rows, int registers, GemmOutput output)
    {
        const Register work = Register.Rdi, a = Register.Rax, aRow = Register.Rdx, threeRows = Register.R10,
            fiveRows = Register.R11;
        const Register aPair = Register.Rsi, b = Register.Rcx, bPair = Register.R9, pairs = Register.R8;
        // when those of the same names are done, or not begun
        const Register c = Register.Rcx, cRow = Register.R9, start = Register.R8;
        Address Field(string name) => new(work, (int)Marshal.OffsetOf<GemmWork>(name));
        Address RowOfA(int row) => row switch
        {
            0 => new Address(a),
            3 => new Address(a, 0, threeRows),
            5 => new Address(a, 0, fiveRows),
            _ => new Address(a, 0, aRow, row),
        };
        int Sum(int row, int register) => (row * MostRegisters) + register;

        to.Load(aRow, Field(nameof(GemmWork.ARow)));
        to.Load(aPair, Field(nameof(GemmWork.APair)));
        to.LoadAddress(threeRows, new Address(aRow, 0, aRow, 2));
        to.LoadAddress(fiveRows, new Address(aRow, 0, aRow, 4));
        int block = to.Position;
        to.Load(start, Field(nameof(GemmWork.Start)));
        for (int register = 0; register < registers; register++)
        {
            to.LoadVector(Sum(0, register), new Address(start, register * RegisterBytes));
            for (int row = 1; row < rows; row++)
                to.Move(Sum(row, register), Sum(0, register));
        }
        to.Load(a, Field(nameof(GemmWork.A)));
        to.Load(b, Field(nameof(GemmWork.B)));
        to.Load(bPair, Field(nameof(GemmWork.BPair)));
        to.Load(pairs, Field(nameof(GemmWork.Pairs)));

        int pair = to.Position;
        for (int register = 0; register < registers; register++)
            to.LoadVector(FirstOfB + register, new Address(b, register * RegisterBytes));
        for (int row = 0; row < rows; row++)
        {
            int ofA = FirstOfA + (row % (FirstOfB - FirstOfA));
            to.Broadcast(ofA, RowOfA(row));
            for (int register = 0; register < registers; register++)
                to.AddProducts(Sum(row, register), FirstOfB + register, ofA);
        }
        to.Add(a, aPair);
        to.Add(b, bPair);
        to.Decrement(pairs);
        to.JumpBackUnlessZero(pair);

        to.Load(c, Field(nameof(GemmWork.C)));
        to.Load(cRow, Field(nameof(GemmWork.CRow)));
        for (int row = 0; row < rows; row++)
        {
            for (int register = 0; register < registers; register++)
                WriteSum(to, output, c, register, Sum(row, register));
            to.Add(c, cRow);
        }
        to.Store(Field(nameof(GemmWork.C)), c);
        to.Load(a, Field(nameof(GemmWork.A)));
        to.LoadAddress(a, rows == MostRows ? new Address(a, 0, threeRows, 2) : RowOfA(rows)); // the next block's
        to.Store(Field(nameof(GemmWork.A)), a);
        to.Decrement(Field(nameof(GemmWork.Blocks)));
        to.JumpBackUnlessZero(block);
        to.Return();
    }

    private static void WriteSum(Assembler to, GemmOutput output, Register c, int register, int sum)
    {
        if (output == GemmOutput.Bf16)
        {
            to.Round(sum, sum);
            to.StoreHalf(new Address(c, register * RegisterBytes / 2), sum);
            return;
        }
        var place = new Address(c, register * RegisterBytes);
        if (output == GemmOutput.Added)
            to.AddVector(sum, place);
        to.StoreVector(place, sum);
    }
}
