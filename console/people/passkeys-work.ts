/** Whether this browser can use passkeys at this address: not under an IP address or without TLS. */
export function passkeysWork(): boolean {
  return isSecureContext && "PublicKeyCredential" in globalThis && !IP.test(location.hostname);
}

const IP = /^(?:[\d.]+|\[.*\])$/;
