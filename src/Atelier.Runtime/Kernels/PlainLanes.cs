using System.Runtime.Intrinsics;

namespace Atelier.Kernels;

/// <summary>One number at a time: the reference for the other register widths.</summary>
internal readonly unsafe struct PlainLanes : ILanes<float>
{
    public static int Count => 1;

    public static float Load(float* source) => *source;

    public static float LoadBFloat16(ushort* source) => BitConverter.UInt32BitsToSingle((uint)*source << 16);

    public static float LoadHalf(ushort* source) => (float)BitConverter.UInt16BitsToHalf(*source);

    public static void Store(float value, float* destination) => *destination = value;

    public static int StoreRounded(float value, sbyte* destination) => *destination = (sbyte)MathF.Round(value);

    public static float Broadcast(float value) => value;

    public static float Add(float a, float b) => a + b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float Max(float a, float b) => MathF.Max(a, b);

    public static float MultiplyAdd(float a, float b, float c) => a * b + c;

    public static float Exp(float value) => MathF.Exp(value);

    public static bool AnyAtLeast(float a, float b) => a >= b;

    public static float Abs(float value) => MathF.Abs(value);

    public static float CopySign(float magnitude, float sign) => MathF.CopySign(magnitude, sign);

    public static float Sum(float value) => value;

    public static Vector128<float> Sums(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);

    public static float MaxAcross(float value) => value;
}
