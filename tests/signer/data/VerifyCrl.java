import java.io.FileInputStream;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;

// VerifyCrl CA.pem CRL...: Java's own reading and signature check of each.
public class VerifyCrl {
    public static void main(String[] arguments) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        X509Certificate ca = (X509Certificate) factory.generateCertificate(new FileInputStream(arguments[0]));
        for (int i = 1; i < arguments.length; ++i) {
            X509CRL crl = (X509CRL) factory.generateCRL(new FileInputStream(arguments[i]));
            crl.verify(ca.getPublicKey());
            int entries = crl.getRevokedCertificates() == null ? 0 : crl.getRevokedCertificates().size();
            System.out.println(arguments[i] + " " + entries + " " + crl.getCriticalExtensionOIDs());
        }
    }
}
